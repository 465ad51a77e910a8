"""The engine: a host that is on air and a worker that generates."""
