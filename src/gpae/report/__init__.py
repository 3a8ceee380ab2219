"""Reports on runs: statistics over seeds, learning curves, and the layout other tools read."""
