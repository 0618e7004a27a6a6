"""Fixtures of the tests that run the real thing."""

from __future__ import annotations

from support.fixtures import client, fifo, instance, shared, v1

__all__ = ["client", "fifo", "instance", "shared", "v1"]
