"""Whose event loop runs: what waits of ours, waits in asyncio's."""

from __future__ import annotations

import sys
from typing import Any, Final

from beautyspot.errors import NotSupportedError

REMEDY: Final = "run it in asyncio, or by AnyIO with its backend asyncio"


def in_asyncio() -> bool:
    """Whether a task of asyncio is what runs now.

    Trio and Curio have loops of their own, and may run within one of asyncio's, in no task.
    """
    asyncio: Any = sys.modules.get("asyncio")  # takes 60 ms, and who has a task has imported it
    if asyncio is None:
        return False
    loop = asyncio._get_running_loop()
    return loop is not None and asyncio.current_task(loop) is not None


def check_asyncio(what: str) -> None:
    """Refuse to wait anywhere else.

    Raises:
        NotSupportedError: asyncio runs no task here.
    """
    if not in_asyncio():
        raise NotSupportedError(f"{what} takes the event loop of asyncio: {REMEDY}")
