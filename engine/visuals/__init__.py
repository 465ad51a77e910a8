"""Procedural visuals: the endless, captioned video that the house model learns from."""
