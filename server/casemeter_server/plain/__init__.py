"""The short way for plain requests: compiled code reads a request's bytes once and groups its case."""
