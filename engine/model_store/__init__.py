"""Weights that people download: what there is, getting it, checking it. A process of its own.

Neither the host (it owns the show and must not wait for a network) nor the worker (no network) may
load this; `segue models` runs it, and the window runs that. Only `hub` talks to the network.
"""
