"""The keeper: parent of every child, only writer of every ring. Standard library only; small enough to be trusted."""
