"""The pure core: rules and state machines. No sockets, loops, files or clocks; effects are returned as data."""
