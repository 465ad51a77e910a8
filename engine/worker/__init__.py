"""The process that generates: torch, one device, no network."""
