"""What daemon and keeper share of one guest, a client's connection that the daemon lends to the keeper: one small page.

Owns the numbers. Lending, recalling and giving back are words in this page, and whoever stores one wakes the other side
by an eventfd that both have anyway. The client has no part in it.

A loan is an odd number, its recall the next even one. The daemon stores it last, behind `G_FROM`. The keeper answers
each loan once, recalled or not, by storing its odd number in `G_BACK`, behind all else that it has to say: from then on
the connection is the daemon's. Who has it is so decided by two words, each of which one side writes.

A word is 8 bytes and stored whole. Words of different writers stand on different cache lines.
"""

from __future__ import annotations

PAGE_BYTES = 16384
PAGE_WORDS = 64

#: Written by the daemon: the newest loan, or its recall.
G_LOAN = 0
#: Written by the daemon: the offset up to which the client has been sent everything.
G_FROM = 1
#: Written by the keeper: the newest loan that is over.
G_BACK = 8
#: Written by the keeper: the offset up to which it has sent everything, but for what stands at REST_AT; below G_FROM
#: while it has sent nothing in this loan.
G_SENT = 9
#: Written by the keeper: how many bytes of what the client typed the terminal has taken, in all loans.
G_TAKEN = 10
#: Written by the keeper: how many bytes it has read of the client and not typed; they stand at READ_AT.
G_READ = 11
#: Written by the keeper: how many bytes of a frame the client has not taken; they stand at REST_AT.
G_REST = 12

READ_AT = 1024
REST_AT = 8192
READ_MOST = REST_AT - READ_AT
REST_MOST = PAGE_BYTES - REST_AT
