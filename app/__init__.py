"""The window: PySide6 GUI, MIDI and shows. Never imports torch; knows the engine by its protocol."""
