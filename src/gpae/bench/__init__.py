"""Measuring: where the time of training goes, what the machine could do, how a run starts."""
