"""Fast paths, each beside its plain twin."""
