"""What a preset sets of one method alone, as ``PRESET_METHOD.yaml``."""
