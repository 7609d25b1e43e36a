"""Rules about orders, charges and coding."""
