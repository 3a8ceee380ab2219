"""Parts shared by the programs in benchmarks/: timings, operation counts, tables, documents."""
