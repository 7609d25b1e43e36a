"""What must be kept: encounters, answers, seals, settings, and who looked at which patient."""
