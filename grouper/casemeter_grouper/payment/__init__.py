"""Payment packs: what a group pays, as tables, and pricing a stay by them exactly."""
