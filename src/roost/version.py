"""The version, apart from the package root so that inner layers can name it."""

__version__ = "0.1.0"
