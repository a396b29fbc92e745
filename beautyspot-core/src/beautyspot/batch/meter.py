"""`Meter` counts what becomes of the inputs of a `spot.map`, and has it shown.

`progress=True` shows it by the bar of tqdm, where that is installed and somebody looks on, at a
terminal or in a notebook; else by a line a minute, in the log.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from importlib import import_module
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from beautyspot import logs
from beautyspot.logs import logger
from beautyspot.observing import Progress

if TYPE_CHECKING:
    from collections.abc import Callable

    Show = Callable[[Progress, bool], object]
    """Shows it to somebody; True says that no other call comes."""

OFTEN: Final = 0.1
MINUTE: Final = 60.0
"""Seconds between two looks of somebody who looks on, and between two lines of the log."""

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
        every: seconds between two looks.
        has_ended: whether the map has.
        under_way: gives how many calls are, and how many of these wait for a limit.
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
        self.hits = self.runs = self.failures = self.refused = self.unstored = 0
        self.has_ended = False
        self.under_way: Callable[[], tuple[int, int]] = lambda: (0, 0)
        self._started = clock()
        self._due = self._started + every

    def progress(self) -> Progress:
        """What was counted by now."""
        running, waiting = self.under_way()
        took, total = self._clock() - self._started, self._total
        ended = self.runs + self.failures + self.refused
        done, left = self.hits + ended, None
        told = ended or (0 if running else done)  # hits tell nothing of how long calls take
        if total is not None and (told or done == total):
            left = (total - done) * took / told if told else 0.0
        return Progress(
            *(self._function, done, total, self.hits, self.runs, self.failures, self.unstored),
            *(running, waiting, took, left, self.refused),
        )

    def tick(self, *, last: bool = False) -> None:
        """Show it, where that is due."""
        if self._show is None:
            return
        now = self._clock()
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
            self.under_way = lambda: (0, 0)  # it leads to the map, and that to this


# ------------------------------------------------------------------------------------- displays


def described(progress: Progress, *, last: bool) -> str:
    """The counts in words, and the time that is left or, at the end, that it took."""
    left = None if progress.left is None else f"{_span(progress.left)} left"
    parts = [f"in {_span(progress.seconds)}" if last else left]
    counts = {
        "failed": progress.failures,
        "refused": progress.refused,
        "not stored": progress.unstored,
    }
    parts += [f"{count:,} {word}" for word, count in counts.items() if count]
    parts.append(f"{progress.runs:,} runs, {progress.hits:,} hits")
    counts = {"wait": progress.waiting, "running": progress.running - progress.waiting}
    parts += [f"{count:,} {word}" for word, count in counts.items() if count > 0]
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


def _by_tqdm(function: str, total: int | None) -> Show | None:
    """What shows it by tqdm; None where that is not installed, or nobody looks on."""
    is_terminal = sys.stderr is not None and sys.stderr.isatty()
    if not (is_terminal or "ipykernel" in sys.modules):
        return None
    try:
        bar: Any = import_module("tqdm.auto").tqdm(total=total, desc=function.rpartition(":")[2])
    except ImportError:  # in a notebook it needs another library, too
        return None

    def show(progress: Progress, last: bool) -> None:
        bar.n = progress.done
        bar.set_postfix_str(described(progress, last=last))
        if last:
            bar.close()

    return show


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
        bar = _by_tqdm(function, total)
        return Meter(function, total, bar or _log, OFTEN if bar else MINUTE)
    tell: Any = progress
    return Meter(function, total, lambda told, _: tell(told))
