"""Measurements of roost side by side with its peers, in one run. `python -m bench` prints the table."""
