"""Studies: declared grids of runs, their archived records, and tables and figures of them."""
