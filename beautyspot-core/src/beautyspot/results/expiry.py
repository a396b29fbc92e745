"""When a result has expired, also on a wall clock that jumps.

A result lives for a time, and nothing stored tells its age but the wall clock when it was made. A
clock that was put back makes results "of the future". Such a result counts as far from its making
as the clocks differ, in either direction: one that was made less than its lifetime ahead is valid,
and ends at the time that it was given, so it lives for less than twice its lifetime; one from
further ahead has no age that could be told, and is computed again. So no result lives for ever, and
a small correction of the clock, or a small difference between two machines, ends none.
"""

from __future__ import annotations


def has_expired(now: float, made_at: float | None, expires_at: float) -> bool:
    """Whether what was made at `made_at` to end at `expires_at` has ended. Unix times, seconds."""
    if now >= expires_at:
        return True
    return made_at is not None and made_at - now >= expires_at - made_at


def outlived(now: float, made_at: float, ttl: float) -> bool:
    """Whether what was made at `made_at` is `ttl` seconds old, or as far in the future."""
    return abs(now - made_at) >= ttl
