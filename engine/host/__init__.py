"""The process that is on air: score, sources, playout, outputs, supervisor. No torch, no Qt."""
