"""Typed configuration: schemas, presets in YAML, and composition in Hydra's syntax."""
