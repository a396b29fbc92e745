"""`Keeper`: what a server does for limits that it keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


class Limit(NamedTuple):
    """One limit in the server.

    Attributes:
        key: where its state is.
        pause_key: where the pause is that it has to keep.
        rate: permits per second.
        tolerance: seconds by which a grant may come before its interval: the burst.
        most: the largest single cost.
    """

    key: str
    pause_key: str
    rate: float
    tolerance: float
    most: float


class Asked(NamedTuple):
    """What is asked of one limit or several at once.

    The algorithm is that of `beautyspot_local.timeline`, where it is explained: a limit is an
    interval after the other, `tat` is where the taken time ends, and what is given back before it
    is a gap. What differs in a server:

    - The clock is the server's. The times of a limit count from when it began, so that a double is
      exact to a fraction of a microsecond for decades.
    - A state has an `epoch`, a random number of the call that began it. What was reserved in
      another one has no place here: the server has lost that, or it has expired, which it does a
      minute after all that is reserved has passed.
    - No call moves up: a gap goes to the next one that asks and fits.
    - Several limits may be asked at once. Their intervals begin at one moment, or nothing is taken.
    - A pause of the limit from which those of single keys are made lies at a key of its own, which
      these read. Each moves by it once.
    - A command whose connection breaks is sent again, and what it gave back may be another's by
      then. So a `release` or a `settle` whose `nonce` is known already does nothing.

    The operations, and what each needs of a limit:

    - ``look`` needs nothing. It answers where the taken time of each limit ends: in seconds from
      now, and by the clock.
    - ``reserve`` needs the length of each interval. `first` are the seconds before which it may not
      begin, `second` those that it may wait at most (None: any). It answers how long the wait is;
      then, unless that is too long, what it took of each: epoch, start, end, and the rate that was
      told before.
    - ``remaining``, ``release`` and ``settle`` need epoch, start and end of what was reserved, and
      ``settle`` the real length as well. ``remaining`` answers as ``reserve`` does where it had to
      reserve anew, else the wait alone.
    - ``pause`` needs nothing. `first` are its seconds, and `second` is 1 where limits of keys pause
      as well.

    Attributes:
        operation: its name.
        limits: which are asked.
        given: what the operation needs of each, in the order of `limits`.
        clock: a reading in seconds; None is the server's own clock.
        nonce: a number below 2**48 that no other call has brought: the epoch of what begins.
        first: see the operations.
        second: see the operations.
    """

    operation: str
    limits: Sequence[Limit]
    given: Sequence[tuple[float, ...]]
    clock: float | None
    nonce: int
    first: float
    second: float | None


class Keeper(Protocol):
    """Keeps limits in a server; each method is one round trip.

    What goes wrong is a `BeautyspotError`.
    """

    @property
    def where(self) -> object:
        """Which server, and what of it: limits whose keepers say the same can be asked at once."""
        ...

    def run(self, asked: Asked) -> Sequence[float]:
        """Have the server do an operation; its answer, see `Asked`."""
        ...
