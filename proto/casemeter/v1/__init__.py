"""The contract of CaseMeter, generated from the schema beside it."""
