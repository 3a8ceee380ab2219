"""Changes that a method makes to the preset of a SMAX map."""
