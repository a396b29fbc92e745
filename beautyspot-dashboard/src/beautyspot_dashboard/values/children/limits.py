"""What a process of its own may use, set by itself before it reads what is hostile.

``python -m beautyspot_dashboard.values.children.limits SECONDS MEGABYTES WORD...`` sets them, and
becomes another program.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Final, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

OUTPUT: Final = 8 * 2**20
"""Bytes that it may write."""


def bound(seconds: int, megabytes: int) -> None:  # pragma: no cover - children are not measured
    """Bound this process, as far as the system can: time of a processor, memory, output."""
    with suppress(ImportError):  # there is none on Windows
        import resource

        for kind, most in (
            (resource.RLIMIT_CPU, seconds),
            (resource.RLIMIT_AS, megabytes * 2**20),
            (resource.RLIMIT_FSIZE, OUTPUT),
            (resource.RLIMIT_CORE, 0),
        ):
            with suppress(ValueError, OSError):  # a lower limit is in force, or none can be
                resource.setrlimit(kind, (most, most))


def answer(
    make: Callable[[Sequence[str], IO[bytes]], bytes], *, seconds: int, megabytes: int
) -> NoReturn:  # pragma: no cover - children are not measured
    """Bound this process, write what is made of its words and its input, and end.

    Where that fails, write why.
    """
    bound(seconds, megabytes)
    status = 0
    try:
        sys.stdout.buffer.write(make(sys.argv[1:], sys.stdin.buffer))
        sys.stdout.flush()
    except Exception as error:
        print(str(error) or type(error).__name__, file=sys.stderr, flush=True)  # noqa: T201
        status = 1
    os._exit(status)  # a library's threads that are just starting abort a process that ends


if __name__ == "__main__":  # pragma: no cover - children are not measured
    bound(int(sys.argv[1]), int(sys.argv[2]))
    os.execv(sys.argv[3], sys.argv[3:])  # noqa: S606 - a program that this one chose, no shell
