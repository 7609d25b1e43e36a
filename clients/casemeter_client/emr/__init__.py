"""An EMR to try a server against: what it knows of stays, said through the doors.

``python -m casemeter_client.emr play stroke --watch`` plays a history; docs/emr_simulator.md tells more.
"""
