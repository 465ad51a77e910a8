"""How the house model was made; every stage is one command (see docs/house-model.md)."""
