"""An EMR to try a server against: what it knows of stays, said through the doors."""
