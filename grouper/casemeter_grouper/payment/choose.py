"""Which of several policies holds on a day, and which one starts while a stay still lasts."""

from __future__ import annotations

from collections.abc import Iterable

from casemeter_grouper.payment.policy import Policy


def holding(policies: Iterable[Policy], scheme: str, day: str) -> Policy | None:
    """Return the policy of a scheme that holds on a day; of several the one that started last.

    Args:
        policies: any policies.
        scheme: id of the scheme whose groups are paid.
        day: ``YYYY-MM-DD``; before discharge the day of ``as_of``.
    """
    found = [policy for policy in _of(policies, scheme) if policy.header.holds_on(day)]
    return max(found, key=_start, default=None)


def starting(policies: Iterable[Policy], scheme: str, after: str, until: str) -> Policy | None:
    """Return the policy of a scheme that starts next after a day, by a last day, or ``None``.

    Args:
        policies: any policies.
        scheme: id of the scheme whose groups are paid.
        after: ``YYYY-MM-DD``, exclusive: the day on which :func:`holding` was asked.
        until: ``YYYY-MM-DD``, inclusive: the last day of the expected stay.
    """
    found = [policy for policy in _of(policies, scheme) if after < policy.header.valid_from <= until]
    return min(found, key=_start, default=None)


def _of(policies: Iterable[Policy], scheme: str) -> Iterable[Policy]:
    return (policy for policy in policies if policy.header.scheme == scheme)


def _start(policy: Policy) -> tuple[str, str]:
    return policy.header.valid_from, policy.header.id
