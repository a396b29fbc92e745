"""`Meter` counts what becomes of the inputs of a `spot.map`, and has it shown.

`progress=True` shows it by the bar of tqdm, where that is installed and somebody looks on, at a
terminal or in a notebook; else by a line a minute, in the log.
"""

from __future__ import annotations

import sys
import warnings
from collections import deque
from contextlib import suppress
from datetime import timedelta
from importlib import import_module
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from beautyspot import logs
from beautyspot.batch.records import Progress
from beautyspot.logs import logger

if TYPE_CHECKING:
    from collections.abc import Callable

    Show = Callable[[Progress, bool], object]
    """Shows it to somebody; True says that no other call comes."""

OFTEN: Final = 0.1
MINUTE: Final = 60.0
"""Seconds between two looks of somebody who looks on, and between two lines of the log."""

SAMPLES: Final = 30
"""The rates are those of so many seconds; where calls end less often, of so many ends."""

_INFO: Final = 20
"""The level; importing `logging` takes a while."""


class Meter:
    """Counts what becomes of the inputs of one map, and has it shown.

    Args:
        function: the identifier of the function.
        total: how many inputs there are; None where that is not known.
        show: shows it. One that raises is left out from then on.
        every: seconds between two calls of it.
        clock: gives seconds.

    Attributes:
        hits, runs, failures, refused, unstored: as of `Progress`; the map counts them.
        calls: those that have begun.
        every: seconds between two looks.
        has_ended: whether the map has.
    """

    def __init__(
        self,
        function: str,
        total: int | None,
        show: Show | None,
        every: float = OFTEN,
        *,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._function, self._total, self._show, self.every = function, total, show, every
        self._clock = clock
        self.hits = self.runs = self.failures = self.refused = self.unstored = self.calls = 0
        self.has_ended = False
        self._running: Callable[[], int] = lambda: 0
        self._waiting: Callable[[], int] = lambda: 0
        self._started = self._moved = clock()
        self._has_begun = False
        self._counted = 0  # what had happened when it was looked at last
        self._samples = deque([(self._started, 0, 0)], SAMPLES)  # when, inputs and calls done
        self._due = self._started + every

    def start(self, running: Callable[[], int], waiting: Callable[[], int]) -> None:
        """Have the calls be counted that run, and those of them that wait for a permit."""
        if self._show is not None:
            self._running, self._waiting = running, waiting

    def progress(self) -> Progress:
        """What was counted by now."""
        now, total, running = self._clock(), self._total, self._running()
        ended = self.runs + self.failures + self.refused
        done, quiet = self.hits + ended, max(0.0, now - self._moved)
        waiting = min(running, self._waiting())
        first, last = self._samples[0], self._samples[-1]
        if done > last[1] and now - last[0] >= 1.0:
            self._samples.append((now, done, ended))
        took, of_calls = now - first[0], ended - first[2]
        rate = (done - first[1]) / took if took > 0 else 0.0
        left = None
        if total is not None:
            number = max(0, total - done)
            each = 1 / rate if rate and not running else None
            if of_calls:  # the time since something last happened is none of theirs
                each = (self._moved - first[0]) / of_calls
            if not number:
                left = 0.0
            elif each is not None and running - waiting < number and number * each >= quiet:
                left = number * each
        return Progress(
            *(self._function, done, total, self.hits, self.runs, self.failures, self.unstored),
            *(running, waiting, now - self._started, quiet, rate, left, self.refused),
        )

    def tick(self, *, last: bool = False) -> None:
        """Show it, where that is due."""
        if self._show is None:
            return
        now, was = self._clock(), self._counted
        self._counted = self.hits + self.runs + self.failures + self.refused + self.calls
        if self._counted != was:
            self._moved = now
        if self.calls and not self._has_begun:  # from here on the time that is left is reckoned
            self._has_begun = True
            self._samples = deque([(now, self.hits, 0)], SAMPLES)
        if now < self._due and not last:
            return
        self._due = now + self.every
        try:
            self._show(self.progress(), last)
        except Exception as error:
            self._show = None
            logger.warning(
                "what shows the progress of %s raised %s, and is left out from now on. The map "
                "goes on. Mend it: progress= may not raise",
                *(self._function, type(error).__name__),
                exc_info=error,
            )

    def close(self) -> None:
        """Show it for the last time. A second call does nothing."""
        if not self.has_ended:
            self.has_ended = True
            self.tick(last=True)
            self._running = lambda: 0  # it leads to the map, and that to this


# ------------------------------------------------------------------------------------- displays


def described(progress: Progress, *, last: bool) -> str:
    """The counts in words, and the time that is left or, at the end, that it took."""
    running = progress.running - progress.waiting
    left = None if progress.left is None else f"{_span(progress.left)} left"
    parts = [
        f"in {_span(progress.seconds)}" if last else left,
        *(
            f"{count:,} {word}"
            for count, word in (
                (progress.failures, "failed"),
                (progress.refused, "refused"),
                (progress.unstored, "not stored"),
            )
            if count
        ),
        f"{progress.runs:,} runs, {progress.hits:,} hits",
        f"{progress.waiting:,} wait" if progress.waiting else None,
        f"{running:,} running" if running > 0 else None,
    ]
    return ", ".join(part for part in parts if part)


def _span(seconds: float) -> str:
    """A time for people: "0:02:07"."""
    return str(timedelta(seconds=round(seconds)))


def _log(progress: Progress, last: bool) -> None:
    """Write a line in the log where that shows such lines, else on the stream of errors."""
    of = "" if progress.total is None else f" of {progress.total:,}"
    said = f"{progress.function}: {progress.done:,}{of} done, {described(progress, last=last)}"
    adapter = logs.adapter()
    if adapter.isEnabledFor(_INFO) and adapter.hasHandlers():
        adapter.info("%s", said)
    elif sys.stderr is not None:
        sys.stderr.write(f"beautyspot: {said}\n")
        sys.stderr.flush()


def _by_tqdm(function: str, total: int | None) -> Show | None:
    """What shows it by tqdm; None where that is not installed, or does not work."""
    try:
        with warnings.catch_warnings():  # it warns in notebooks without widgets, and of itself
            warnings.simplefilter("ignore")
            name = function.rpartition(":")[2]
            bar: Any = import_module("tqdm.auto").tqdm(total=total, desc=name)
    except Exception:  # in a notebook it needs another library; and it is no part of ours
        return None

    def show(progress: Progress, last: bool) -> None:
        bar.n = progress.done
        bar.set_postfix_str(described(progress, last=last), refresh=False)
        bar.refresh()
        if last:
            bar.close()

    return show


def _is_looked_at() -> bool:
    """Whether somebody looks on at a terminal or in a notebook."""
    shell: Any = None
    with suppress(Exception):  # a stream of the user's may be anything
        if sys.stderr.isatty():
            return True
        shell = sys.modules["IPython"].get_ipython()
    return hasattr(shell, "kernel")


def meter_of(progress: object, function: str, total: int | None) -> Meter:
    """What counts for a map with this `progress=`.

    Args:
        progress: checked.
        function: the identifier of the function.
        total: how many inputs there are; None where that is not known.
    """
    if progress is None or progress is False:
        return Meter(function, total, None, MINUTE)
    if progress is True:
        bar = _by_tqdm(function, total) if _is_looked_at() else None
        return Meter(function, total, bar or _log, OFTEN if bar else MINUTE)
    tell: Any = progress
    return Meter(function, total, lambda told, _: tell(told))
