"""The commands, one module a family; each is imported when it is used."""
