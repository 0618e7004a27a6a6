"""The output ring: one shared memory file a stream, one writer (the keeper), any number of readers."""
