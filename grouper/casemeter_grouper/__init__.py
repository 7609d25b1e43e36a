"""Grouping of inpatient cases: the condition language, schemes, their compiler, kernel and walker."""
