"""The screen of a session: a terminal emulator behind a small interface, and the forms in which a screen is shown.

Nothing here knows sessions, the daemon or its wire; `worker` is the process in which the daemon has screens emulated.
"""
