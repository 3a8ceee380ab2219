"""Studies: grids of runs, their archived records, and the tables and pictures made of them."""
