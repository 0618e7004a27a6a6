"""What several test files share: a roost in directories of its own, and a client that speaks plain v1."""
