"""The window: PySide6 GUI, MIDI, shows. Never loads torch; knows the engine by its protocol."""
