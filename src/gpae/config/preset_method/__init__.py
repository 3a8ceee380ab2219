"""Settings of a preset for one method alone, as ``PRESET_METHOD.yaml``."""
