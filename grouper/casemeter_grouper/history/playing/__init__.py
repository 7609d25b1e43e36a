"""From the tables of a made-up history to the events that an EMR would send of its stays."""
