"""How far a long command is, on stderr, where a person sees it."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from beautyspot_cli.output import Output

_EVERY: Final = 0.1


def is_shown(output: Output) -> bool:
    """Whether a person sees it."""
    return sys.stderr.isatty() and not output.quiet


class Progress:
    """A line that shows how far it is; nothing where nobody sees it.

    Args:
        output: says whether it is wanted.
        what: what is done, as "removing".
        total: how many there are; None where that is not known.

    Attributes:
        count, given: what `at` was given last.
    """

    def __init__(self, output: Output, what: str, total: int | None) -> None:
        self.count = 0
        self.given: Any = None
        self._is_shown, self._what, self._total = is_shown(output), what, total
        self._shown = ""
        self._next = 0.0
        self._show()

    def _show(self) -> None:
        if not self._is_shown:
            return
        of = "" if self._total is None else f" of {self._total:,}"
        text = f"{self._what}: {self.count:,}{of}"
        blank = " " * (len(self._shown) - len(text))
        self._shown = text
        _write(f"\r{text}{blank}")

    def at(self, count: int, given: Any = None) -> None:
        """So many are done; what else is to be told."""
        self.count, self.given = count, given
        if (now := time.monotonic()) >= self._next:
            self._next = now + _EVERY
            self._show()

    def above(self, write: Callable[[], object]) -> None:
        """Have lines written, which stay, above the line that shows how far it is."""
        self.end()
        write()
        self._show()

    def end(self) -> None:
        """Remove the line."""
        if self._shown:
            _write(f"\r{' ' * len(self._shown)}\r")
            self._shown = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()


def _write(text: str) -> None:
    with suppress(OSError):  # a terminal that is gone stops no command
        sys.stderr.write(text)
        sys.stderr.flush()
