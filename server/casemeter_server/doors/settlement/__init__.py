"""The door that checks the settlement list (4101, 4101A) and the front page before they are submitted."""
