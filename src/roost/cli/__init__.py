"""The command line: commands, exit codes, and the terminal of the attach client.

Speaks to the daemon through the client only.
"""
