"""`Removals`: what was shown to be removed, and what is being removed, of one dashboard.

A removal goes on when the browser is closed, and a page of its own follows it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from secrets import token_urlsafe
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any, Final, TypeVar

from beautyspot import BeautyspotError

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot import Removal

_HELD: Final = 4
"""Removals that were shown and are remembered."""

_HELD_ROWS: Final = 1_000_000
"""Results in all of them, but that there is always one: each result takes some 200 bytes."""

_KEPT: Final = 100
"""Jobs that are remembered; of older ones nothing is known any more."""

_log = logging.getLogger("beautyspot")
_T = TypeVar("_T")


class StoppedError(Exception):
    """The dashboard ends, and with it what it is doing."""


@dataclass(eq=False)
class Job:
    """One removal, under way or done.

    Attributes:
        slug: the name of the store.
        what: "results" or "blobs".
        total: how many are to be removed; 0 where it is not known.
        progress: what is removed so far, or in the end: `Removed` or `Collected`.
        problem: why it ended early; "" if it did not.
    """

    slug: str
    what: str
    total: int
    progress: Any = None
    problem: str = ""
    _ended: Event = field(default_factory=Event, repr=False)
    _stops: Event = field(default_factory=Event, repr=False)

    @property
    def is_done(self) -> bool:
        """Whether it has ended, well or not."""
        return self._ended.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait for its end; whether it has ended."""
        return self._ended.wait(seconds)

    def at(self, progress: object) -> None:
        """Note what is removed so far.

        Raises:
            StoppedError: the dashboard ends.
        """
        self.progress = progress
        if self._stops.is_set():
            raise StoppedError

    def stop(self) -> None:
        """Have it end at its next step."""
        self._stops.set()

    def run(self, work: Callable[[Job], object]) -> None:
        """Do it; whatever fails is its `problem`."""
        try:
            self.progress = work(self)
        except StoppedError:
            self.problem = "the dashboard was ended"
        except BeautyspotError as error:
            self.problem = str(error)
        except Exception as error:  # a thread tells nobody
            _log.exception("a removal of the dashboard failed")
            self.problem = f"{type(error).__name__}: {error}"
        finally:
            self._ended.set()


class Removals:
    """What was shown to be removed, and what is being removed."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[str, Removal]] = {}
        self._jobs: dict[str, Job] = {}
        self._lock = Lock()

    def hold(self, slug: str, removal: Removal) -> str:
        """Remember what was shown of a store; the name for it."""
        with self._lock:
            name = _kept(self._held, (slug, removal), _HELD)
            rows = sum(each.entries for _, each in self._held.values())
            for old, (_, each) in list(self._held.items())[:-1]:
                if rows > _HELD_ROWS:
                    rows -= each.entries
                    del self._held[old]
            return name

    def held(self, slug: str, name: str) -> Removal | None:
        """What was shown of a store under this name; None where it is known no more."""
        of, removal = self._held.get(name, ("", None))
        return removal if of == slug else None

    def start(self, job: Job, work: Callable[[Job], object]) -> str:
        """Begin one in a thread of its own; the name for it."""
        with self._lock:
            name = _kept(self._jobs, job, _KEPT)
        thread = Thread(target=job.run, args=(work,), name="beautyspot-removal", daemon=True)
        thread.start()
        return name

    def job(self, name: str) -> Job | None:
        """The one of this name; None where nothing is known of it."""
        return self._jobs.get(name)

    def close(self, seconds: float = 5.0) -> None:
        """Have all jobs end at their next step, and wait for that."""
        with self._lock:
            jobs = list(self._jobs.values())
        for job in jobs:
            job.stop()
        for job in jobs:
            job.wait(seconds)


def _kept(known: dict[str, _T], new: _T, most: int) -> str:
    """Keep what is new, and no more than the last ones; its name."""
    name = token_urlsafe(12)
    known[name] = new
    while len(known) > most:
        del known[next(iter(known))]
    return name
