"""Measurements of the library's speed, each one command; run from the repository's root."""
