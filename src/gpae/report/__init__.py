"""Reports on runs: statistics over seeds, learning curves, and exports for other tools."""
