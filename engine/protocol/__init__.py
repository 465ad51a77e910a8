"""The only package that all three processes import: messages, parameters, frame rings, shows."""
