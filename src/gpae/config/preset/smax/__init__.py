"""Presets of one SMAX map each."""
