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

LONGEST_NAME: Final = 40
"""Characters of a function's name, in a line."""

_INFO: Final = 20
"""The level; importing `logging` takes a while."""


def display(function: str, total: int | None) -> Display:
    """What suits the stream of errors of this process."""
    stream: TextIO | None = sys.stderr
    if stream is None or not _is_looked_at(stream):
        return Log(stream)
    return _bar(function, total) or Line(stream)


def _is_looked_at(stream: TextIO) -> bool:
    with suppress(Exception):  # a stream of the user's may be anything
        if stream.isatty():
            return True
    shell: Any = None
    with suppress(Exception):
        shell = sys.modules["IPython"].get_ipython()
    return hasattr(shell, "kernel")  # a notebook's


# ---------------------------------------------------------------------------------------- words


def described(progress: Progress) -> str:
    """What a line says after the name: how many are done, and what became of them."""
    rest = f"{progress.done:,} done"
    if progress.total is not None:
        share = 100 * progress.done // progress.total if progress.total else 100
        rest = f"{share}%, {progress.done:,} of {progress.total:,}"
    return f"{rest}: {what_became(progress)}"


def what_became(progress: Progress) -> str:
    """The counts, the rate and the time left."""
    counts = [
        _sums(progress),
        f"{progress.waiting:,} waiting for the limit" if progress.waiting else "",
        f"{progress.rate:.3g}/s" if progress.rate < 1000 else f"{progress.rate:,.0f}/s",
        f"{span(progress.left)} left" if progress.left is not None else "",
    ]
    return ", ".join(filter(None, counts))


def at_the_end(progress: Progress) -> str:
    """What the last line says after the name."""
    counts, of = f"{progress.done:,} done", ""
    if progress.total is not None and progress.done < progress.total:
        of = f" of {progress.total:,}"
    return f"{counts}{of}: {_sums(progress)}, in {span(progress.seconds)}"


def _sums(progress: Progress) -> str:
    counts = {"hit": progress.hits, "run": progress.runs, "failure": progress.failures}
    return ", ".join(
        f"{count:,} {word}{'' if count == 1 else 's'}" for word, count in counts.items()
    )


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
    return function.rpartition(":")[2][:LONGEST_NAME]


# ------------------------------------------------------------------------------------- displays


class Line:
    """A line of text that is written anew in its place."""

    every = OFTEN

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._width = 0

    def __call__(self, progress: Progress, *, last: bool) -> None:
        """Write it."""
        said = at_the_end(progress) if last else described(progress)
        text = f"{name_of(progress.function)}: {said}"
        text, width = _cut(text, self._columns() - 1)  # the last column may begin another line
        blank = " " * (self._width - width)
        self._width = width
        self._stream.write(f"\r{text}{blank}" + ("\n" if last else ""))
        self._stream.flush()

    def _columns(self) -> int:
        try:
            return os.get_terminal_size(self._stream.fileno()).columns or 80
        except (OSError, ValueError, AttributeError):  # a notebook, or a stream of the user's
            return shutil.get_terminal_size().columns


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
        said = at_the_end(progress) if last else described(progress)
        text = f"{progress.function}: {said}"
        adapter = logs.adapter()
        if adapter.isEnabledFor(_INFO) and adapter.hasHandlers():
            adapter.info("%s", text)
        elif self._stream is not None:
            self._stream.write(f"beautyspot: {text}\n")
            self._stream.flush()


def _bar(function: str, total: int | None) -> Bar | None:
    """The line of tqdm, where that is installed and works."""
    try:
        with warnings.catch_warnings():  # it warns in notebooks without widgets, and of itself
            warnings.simplefilter("ignore")
            return Bar(import_module("tqdm.auto").tqdm, function, total)
    except Exception:  # in a notebook it needs another library; and it is no part of ours
        return None


class Bar:
    """A line of tqdm."""

    every = OFTEN

    def __init__(self, tqdm: Any, function: str, total: int | None) -> None:
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
            said = at_the_end(progress).partition(": ")[2]
        bar.set_postfix_str(said, refresh=False)
        bar.refresh()
        if last:
            bar.close()
