"""One view per file; a widget draws state and emits intent."""
