"""Rule tables compiled into sorted arrays that are joined by code."""
