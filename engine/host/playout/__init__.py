"""From bursty chunks to a steady picture: reservoir, clock, presenter."""
