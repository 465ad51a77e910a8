"""Controllers in: each runs beside the window and calls into app.core."""
