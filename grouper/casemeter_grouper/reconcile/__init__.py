"""Why a stay ended in another group than it stood in before: one thing replaced after the other."""
