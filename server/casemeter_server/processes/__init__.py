"""The processes of a server: a supervisor that keeps workers of several kinds alive."""
