"""`running-process-daemon`: roost under the name, at the place and with the flags of protocol v1's own daemon."""
