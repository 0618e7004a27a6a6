"""The HTTP control plane. `area` is imported at the daemon's start and is light; the rest with the first connection."""
