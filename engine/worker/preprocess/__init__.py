"""Pictures into conditions, ahead of need."""
