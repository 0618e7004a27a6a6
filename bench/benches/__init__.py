"""One module a bench: its docstring says what is compared, `run` measures and returns rows."""
