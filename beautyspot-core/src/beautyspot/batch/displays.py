"""Where `progress=True` shows how far a map is.

That is one line, which changes in place, for somebody who looks on at a terminal or in a notebook:
that of tqdm where it is installed. Elsewhere, in the log of a server say, it is a line a minute.
"""

from __future__ import annotations

import os
import shutil
import sys
import warnings
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from beautyspot import logs
from beautyspot.batch.progress import OFTEN

if TYPE_CHECKING:
    from typing import TextIO

    from beautyspot.batch.progress import Display, Progress

MINUTE: Final = 60.0

LONGEST_NAME: Final = 24
"""Columns of a function's name, in a line."""

QUIET: Final = 5.0
"""Seconds in which nothing happens, after which a line says how long the calls have run."""

BAR: Final = 14
"""Columns that are left to a bar, with the percentage before it."""

_INFO: Final = 20
"""The level; importing `logging` takes a while."""


def display(function: str, total: int | None) -> Display:
    """What suits the stream of errors of this process."""
    stream: TextIO | None = sys.stderr
    if stream is None or not _is_looked_at(stream):
        return Log(stream)
    return _bar(function, total, stream) or Line(stream)


def _is_looked_at(stream: TextIO) -> bool:
    if _is_terminal(stream):
        return True
    shell: Any = None
    with suppress(Exception):
        shell = sys.modules["IPython"].get_ipython()
    return hasattr(shell, "kernel")  # a notebook's


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except Exception:  # a stream of the user's may be anything
        return False


def _columns(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError, AttributeError):  # a notebook, or a stream of the user's
        return shutil.get_terminal_size().columns


# ---------------------------------------------------------------------------------------- words


def described(progress: Progress) -> list[str]:
    """What a line says after the name, in parts: what people look for first."""
    share = f"{progress.done:,} done"
    if progress.total is None:
        return [share, *what_became(progress)]
    percent = 100 * progress.done // progress.total if progress.total else 100
    return [f"{percent}%", *what_became(progress, f"{progress.done:,} of {progress.total:,}")]


def what_became(progress: Progress, share: str = "") -> list[str]:
    """The time left, the rate, and the counts; `share` is how many are done."""
    parts = [
        f"{span(progress.left)} left" if progress.left is not None else "",
        _running(progress),
        f"{progress.rate:.3g}/s" if progress.rate < 1000 else f"{progress.rate:,.0f}/s",
        share,
        *_sums(progress),
        f"{progress.waiting:,} wait" if progress.waiting else "",
    ]
    return [part for part in parts if part]


def _running(progress: Progress) -> str:
    """The calls that run, where these are all that is left, or nothing else happens."""
    calls = progress.running - progress.waiting
    is_rest = progress.total is not None and progress.done + calls >= progress.total
    is_quiet = progress.quiet >= QUIET
    if calls <= 0 or not (is_rest or is_quiet):
        return ""
    last, long = "last " if is_rest else "", f" for {span(progress.quiet)}" if is_quiet else ""
    return f"{last}{calls:,} running{long}"


def at_the_end(progress: Progress) -> list[str]:
    """What the last line says after the name, in parts."""
    of = ""
    if progress.total is not None and progress.done < progress.total:
        of = f" of {progress.total:,}"
    return [f"{progress.done:,} done{of} in {span(progress.seconds)}", *_sums(progress)]


def _sums(progress: Progress) -> list[str]:
    wrong = [_counted(progress.failures, "failure")] if progress.failures else []
    if progress.refused:
        wrong.append(f"{progress.refused:,} refused")
    if progress.unstored:
        wrong.append(f"{progress.unstored:,} not stored")
    return [*wrong, _counted(progress.runs, "run"), _counted(progress.hits, "hit")]


def _counted(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def fitting(parts: list[str], columns: int | None) -> str:
    """As many parts as fit: half a number would be another one."""
    text = ", ".join(parts)
    while columns is not None and len(text) > columns:
        text = text.rpartition(", ")[0]
    return text


def span(seconds: float) -> str:
    """A time for people: "2.4 s", "12 min", "3 h 20 min"."""
    if seconds < 100:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    hours = minutes // 60
    if hours < 100:
        return f"{hours} h {minutes % 60} min"
    return f"{hours // 24} days {hours % 24} h"


def name_of(function: str) -> str:
    """A function's identifier without its module."""
    return _cut(function.rpartition(":")[2], LONGEST_NAME)[0]


# ------------------------------------------------------------------------------------- displays


class Line:
    """A line of text that is written anew in its place."""

    every = OFTEN

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._width = 0

    def __call__(self, progress: Progress, *, last: bool) -> None:
        """Write it."""
        columns = _columns(self._stream) - 1  # the last column may begin another line
        name, taken = _cut(f"{name_of(progress.function)}: ", columns)
        said = fitting((at_the_end if last else described)(progress), columns - taken)
        text, width = _cut(name + said, columns)
        blank = " " * (self._width - width)
        self._width = width
        self._stream.write(f"\r{text}{blank}" + ("\n" if last else ""))
        self._stream.flush()


def _cut(text: str, columns: int) -> tuple[str, int]:
    """As much of a text as fits, and how many columns that takes."""
    if text.isascii():
        return text[:columns], min(len(text), columns)
    import unicodedata

    width = 0
    for place, char in enumerate(text):
        takes = 2 if unicodedata.east_asian_width(char) in "WF" else 1
        if width + takes > columns:
            return text[:place], width
        width += takes
    return text, width


class Log:
    """A line a minute, in the log where that shows such lines, else on the stream.

    So the user sees it though he has set no logging up.
    """

    every = MINUTE

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def __call__(self, progress: Progress, *, last: bool) -> None:
        """Write it."""
        said = fitting((at_the_end if last else described)(progress), None)
        text = f"{progress.function}: {said}"
        adapter = logs.adapter()
        if adapter.isEnabledFor(_INFO) and adapter.hasHandlers():
            adapter.info("%s", text)
        elif self._stream is not None:
            self._stream.write(f"beautyspot: {text}\n")
            self._stream.flush()


def _bar(function: str, total: int | None, stream: TextIO) -> Bar | None:
    """The line of tqdm, where that is installed and works."""
    try:
        with warnings.catch_warnings():  # it warns in notebooks without widgets, and of itself
            warnings.simplefilter("ignore")
            return Bar(import_module("tqdm.auto").tqdm, function, total, stream)
    except Exception:  # in a notebook it needs another library; and it is no part of ours
        return None


class Bar:
    """A line of tqdm."""

    every = OFTEN

    def __init__(self, tqdm: Any, function: str, total: int | None, stream: TextIO) -> None:
        self._stream = stream if _is_terminal(stream) else None  # a notebook has room
        counted = "{n:,}/{total:,}" if total is not None else "{n:,}"
        form = "{desc}: {percentage:3.0f}%|{bar}| " if total else "{desc}: "
        self._bar: Any = tqdm(
            total=total,
            desc=name_of(function),
            bar_format=f"{form}{counted}{{postfix}}",
            dynamic_ncols=True,
        )

    def __call__(self, progress: Progress, *, last: bool) -> None:
        """Draw it."""
        bar = self._bar
        bar.n = progress.done if progress.total is None else min(progress.done, progress.total)
        said = what_became(progress)
        if last:
            said = [f"in {span(progress.seconds)}", *at_the_end(progress)[1:]]
        bar.set_postfix_str(fitting(said, self._room(progress)), refresh=False)
        bar.refresh()
        if last:
            bar.close()

    def _room(self, progress: Progress) -> int | None:
        """Columns for what stands behind the bar and the counts; None is any number."""
        if self._stream is None:
            return None
        counts = f": {progress.done:,}/{progress.total or 0:,}, "
        _, name = _cut(name_of(progress.function), LONGEST_NAME)
        return _columns(self._stream) - name - len(counts) - BAR
