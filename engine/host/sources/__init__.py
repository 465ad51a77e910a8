"""Where frames enter."""
