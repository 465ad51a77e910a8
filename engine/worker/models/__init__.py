"""Models that generate chunks: their descriptions (`spec`) and their networks."""
