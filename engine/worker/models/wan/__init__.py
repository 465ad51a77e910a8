"""The causal Wan transformer, its KV cache, its rollout and the tiny autoencoder."""
