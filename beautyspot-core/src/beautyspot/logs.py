"""The logger `beautyspot`, through which all members and plug-ins may log.

A log handler or a filter is the user's: one that raises must cost no result. `logging` itself
handles only the errors that a handler of its own meets while it writes.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any, Final

_fallback: Final = logging.Handler()
"""Prints what could not be logged, as handlers do, unless `logging.raiseExceptions` is off."""

_warned: Final[set[str]] = set()


class _Logger(logging.LoggerAdapter[logging.Logger]):
    """Logs to its logger, and raises no `Exception`."""

    def log(self, level: int, msg: object, *args: object, **options: Any) -> None:
        """See `logging.Logger.log`."""
        try:
            super().log(level, msg, *args, stacklevel=2, **options)
        except Exception:
            record = logging.LogRecord(self.logger.name, level, "", 0, msg, args, None)
            with suppress(Exception):  # there may be no sys.stderr to write to
                _fallback.handleError(record)


logger: Final = _Logger(logging.getLogger("beautyspot"))


def warn_once(text: str) -> None:
    """Log a warning, once a process."""
    if text not in _warned:
        _warned.add(text)
        logger.warning("%s", text)


def forget_warnings() -> None:
    """Let `warn_once` log every text once more."""
    _warned.clear()
