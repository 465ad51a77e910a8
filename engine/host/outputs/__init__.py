"""Where frames leave."""
