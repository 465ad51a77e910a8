"""The house model: a small causal video diffusion model that ships with Segue."""
