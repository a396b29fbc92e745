"""The logger `beautyspot`, through which all members speak, and a plug-in may.

A log handler or a filter is the user's: one that raises costs no result. The module `logging`
itself sees to that only for what a handler of its own meets while it writes.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any, Final

_unsaid: Final = logging.Handler()
"""Prints what could not be said as handlers do, unless `logging.raiseExceptions` is off."""


class _Logger(logging.LoggerAdapter[logging.Logger]):
    """Logs to its logger, and raises no `Exception`."""

    def log(self, level: int, msg: object, *args: object, **options: Any) -> None:
        """See `logging.Logger.log`."""
        try:
            super().log(level, msg, *args, stacklevel=2, **options)
        except Exception:
            record = logging.LogRecord(self.logger.name, level, "", 0, msg, args, None)
            with suppress(Exception):  # nor does it matter where there is no sys.stderr to write to
                _unsaid.handleError(record)


logger: Final = _Logger(logging.getLogger("beautyspot"))
