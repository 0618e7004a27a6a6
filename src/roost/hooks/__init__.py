"""Hooks: events on their way to sinks. What others need to write a sink of their own is here (docs/hooks.md).

Owns dispatching, the sinks and their failures. Knows events and configuration, not sessions or the daemon.
"""
