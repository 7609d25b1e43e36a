"""Checking a rules pack: every fault of its tables, its examples, and what its rows say of each other."""

from casemeter_rules.checking.check import check_rules

__all__ = ["check_rules"]
