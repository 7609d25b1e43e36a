"""Reading the folder of a rules pack: its header, its tables, and every fault of them at once."""
