"""What a method changes in the preset of a SMAX map."""
