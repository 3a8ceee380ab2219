"""Studies: grids of runs, their archived records, and tables and learning curves of them."""
