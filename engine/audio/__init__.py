"""What is heard, for modulators: a process of its own, bands and onsets."""
