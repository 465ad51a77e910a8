"""What the window knows, without Qt: mapping, deck, pickup."""
