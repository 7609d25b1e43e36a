"""From settled stays to the tables of a benchmark pack."""
