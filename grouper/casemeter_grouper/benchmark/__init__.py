"""Benchmark packs: what the stays of a group cost and how long they last, from settled cases."""
