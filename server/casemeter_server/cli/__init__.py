"""The command line ``casemeter``."""
