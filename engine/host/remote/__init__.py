"""What plays the instrument from afar: OSC, HTTP, and the page for a phone."""
