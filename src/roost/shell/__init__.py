"""What a shell runs so that it marks its prompts and commands (`roost run --shell-integration`): files, no code."""
