"""The truth of made-up histories, by enumerating what their generator hides."""

from casemeter_grouper.history.truth.observation import Observation
from casemeter_grouper.history.truth.truth import Outlook, Truth

__all__ = ["Observation", "Outlook", "Truth"]
