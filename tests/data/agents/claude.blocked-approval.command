
● All done.

✻ Churned for 6s

❯ run it

● Bash(touch made-here && rm -r made-here)
  ⎿  Waiting…

────────────────────────────────────────────────────────────────────────────────
 Bash command

   touch made-here && rm -r made-here
   Make and remove

 Do you want to proceed?
 ❯ 1. Yes
   2.Yes, and don't ask again for touch made-here and rm -r made-here commands
     in /home/ann/work
   3. No

 Esc to cancel · Tab to amend · ctrl+e to explain
