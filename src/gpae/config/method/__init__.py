"""Presets that Hydra finds by name."""
