"""The HTTP doors: what an EMR already speaks, translated into the one question and back."""
