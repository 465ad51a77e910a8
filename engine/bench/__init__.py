"""Benchmarks and parity with reference tensors."""
