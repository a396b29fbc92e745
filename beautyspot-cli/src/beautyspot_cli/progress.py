"""How far a long command is, on stderr, where a person sees it."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from rich.progress import TaskID

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
        self._line: Any = None
        self._task: TaskID | None = None
        self._next = 0.0
        if is_shown(output):
            self._start(what, total)

    def _start(self, what: str, total: int | None) -> None:
        from rich.console import Console
        from rich.progress import Progress as Line

        self._line = Line(console=Console(stderr=True), transient=True)
        self._task = self._line.add_task(what, total=total)
        self._line.start()

    def at(self, count: int, given: Any = None) -> None:
        """So many are done; what else is to be told."""
        self.count, self.given = count, given
        if self._line is not None and (now := time.monotonic()) >= self._next:
            self._next = now + _EVERY
            self._line.update(self._task, completed=count)

    def above(self, write: Callable[[], object]) -> None:
        """Have lines written, which stay, above the line that shows how far it is."""
        if self._line is None:
            write()
            return
        self._line.stop()
        write()
        self._line.start()

    def end(self) -> None:
        """Remove the line."""
        if self._line is not None:
            self._line.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()
