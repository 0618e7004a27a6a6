"""Pictures and films of recordings: SVG, GIF, PNG and text, made by a terminal emulator from a cast.

Knows nothing of sessions or the daemon. `roost.film` is run as a process of its own (`__main__`), because an emulator
may end the process that it runs in.
"""
