"""`MachinePlace`: one place among those of all machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from beautyspot.contracts import Lease, LimiterBase


class MachinePlace:
    """A place of all machines, with the calls that use it: the holder, and to whom it is lent.

    Attributes:
        lease: frees the place when it is released.
        users: the places, in this process, of the call that holds it and of those that it is lent
            to, the latest last. It is free once all of them have left.
    """

    __slots__ = ("lease", "users")

    def __init__(self, lease: Lease, user: object) -> None:
        self.lease = lease
        self.users = [user]


def keeper_of(bucket: LimiterBase | None) -> LimiterBase | None:
    """The limiter that keeps places for all machines: this one, or the first of its limits."""
    limits: dict[str, LimiterBase] = getattr(bucket, "limits", {})
    found = [limiter for limiter in (bucket, *limits.values()) if limiter and limiter.slots]
    return found[0] if found else None
