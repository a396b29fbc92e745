"""Whether asyncio runs the caller: our waits work in its event loop only."""

from __future__ import annotations

import sys
from typing import Any, Final

from beautyspot.errors import NotSupportedError

REMEDY: Final = "run it in asyncio, or by AnyIO with its backend asyncio"


def in_asyncio() -> bool:
    """Whether the caller runs in a task of asyncio.

    Trio and Curio have loops of their own, which may run inside asyncio's, but in no task of it.
    """
    asyncio: Any = sys.modules.get("asyncio")  # importing it takes 60 ms; no task runs without it
    if asyncio is None:
        return False
    loop = asyncio._get_running_loop()
    return loop is not None and asyncio.current_task(loop) is not None


def check_asyncio(what: str) -> None:
    """Refuse to wait where asyncio does not run the caller.

    Args:
        what: the subject of the message.

    Raises:
        NotSupportedError: the caller runs in no task of asyncio.
    """
    if not in_asyncio():
        raise NotSupportedError(f"{what} takes the event loop of asyncio: {REMEDY}")
