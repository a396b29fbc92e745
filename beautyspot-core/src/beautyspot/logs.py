"""The logger `beautyspot`, through which all members and plug-ins may log.

A log handler or a filter is the user's: one that raises must cost no result. `logging` itself
handles only the errors that a handler of its own meets while it writes.

Importing `logging` takes a tenth of a start. So that waits for `mark` or a limit, after which a
call may fail, or for the first record, if that comes before.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    import logging

_warned: Final[set[str]] = set()


@lru_cache(maxsize=1)
def adapter() -> logging.LoggerAdapter[logging.Logger]:
    """The adapter that logs for `logger`; the first call imports `logging`."""
    import logging

    fallback = logging.Handler()  # prints as handlers do, unless `logging.raiseExceptions` is off

    class Adapter(logging.LoggerAdapter[logging.Logger]):
        """Logs to its logger, and raises no `Exception`."""

        def log(self, level: int, msg: object, *args: object, **options: Any) -> None:
            """See `logging.Logger.log`."""
            try:
                super().log(level, msg, *args, stacklevel=2, **options)
            except Exception:
                record = logging.LogRecord(self.logger.name, level, "", 0, msg, args, None)
                with suppress(Exception):  # there may be no sys.stderr to write to
                    fallback.handleError(record)

    return Adapter(logging.getLogger("beautyspot"))


class _Logger:
    """Stands for the adapter until that can be made."""

    def __getattr__(self, name: str) -> Any:
        try:
            return getattr(adapter(), name)
        except OSError:  # no file can be opened, so that `logging` can't be imported
            return _print


def _print(message: str, *args: object, **_: object) -> None:
    with suppress(Exception):  # as above
        sys.stderr.write(f"beautyspot: {message % args}\n")


logger: Final = cast("logging.LoggerAdapter[logging.Logger]", _Logger())


def warn_once(text: str) -> None:
    """Log a warning, once a process."""
    if text not in _warned:
        _warned.add(text)
        logger.warning("%s", text)


def forget_warnings() -> None:
    """Let `warn_once` log every text once more."""
    _warned.clear()
