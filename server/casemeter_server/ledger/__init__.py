"""The ledger: what was foretold of each stay day by day, and what it came to."""
