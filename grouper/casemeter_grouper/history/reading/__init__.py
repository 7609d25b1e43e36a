"""Reading a hospital's own files of stays that are over."""
