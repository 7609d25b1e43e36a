"""The CaseMeter server: listeners, adapters, snapshots, metrics and the command line."""
