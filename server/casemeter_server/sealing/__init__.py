"""The seal of a checked front page: a signature over its content, and how it is verified without a server.

Nothing in here but :mod:`~casemeter_server.sealing.service` needs a pack or a store.
"""
