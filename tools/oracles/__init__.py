"""How right our screens are: recordings of real programs, shown by terminals that nobody here wrote.

    python -m tools.oracles record [NAME...]   make the recordings in tests/data/screens anew
    python -m tools.oracles compare            show each to tmux, xterm.js and ourselves, and count what is the same
    python -m tools.oracles expect             note what xterm.js shows, for the tests

xterm.js is fetched by npm into build/oracles when it is first needed.
"""
