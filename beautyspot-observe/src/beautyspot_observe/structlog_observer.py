"""Events as lines of structlog."""

from __future__ import annotations

from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any

import structlog
from beautyspot import ConfigError

if TYPE_CHECKING:
    from beautyspot import Event

LEVELS = ("debug", "info", "warning", "error", "critical")


class StructlogObserver:
    """Writes one line for each event: `beautyspot.hit`, `beautyspot.miss`, and so on.

    The line has the fields of the event (`function`, `key`, `seconds`, …) but for those that are
    None.

    Args:
        logger: one of `structlog.get_logger()`, with what is bound to it; by default
            ``structlog.get_logger("beautyspot")``, which heeds `structlog.configure`.
        level: "debug", "info", "warning", "error" or "critical".

    Raises:
        ConfigError: there is no such level, or the logger has no method of its name.
        ModuleNotFoundError: structlog is not installed.
    """

    def __init__(self, logger: Any = None, *, level: str = "info") -> None:
        if level not in LEVELS:
            names = ", ".join(map(repr, LEVELS))
            raise ConfigError(f"StructlogObserver(level={level!r:.50}): write one of {names}")
        self._logger = structlog.get_logger("beautyspot") if logger is None else logger
        self._level = level
        write = getattr(self._logger, level, None)
        if not callable(write):
            raise ConfigError(
                f"StructlogObserver(logger=…) got a {type(logger).__name__}, which has no method "
                f"{level}: give what structlog.get_logger() returns"
            )
        if iscoroutinefunction(write):
            raise ConfigError(
                "StructlogObserver(logger=…) got an asynchronous logger, and nobody would await "
                "its lines: give a plain one, such as logger.sync_bl of an AsyncBoundLogger"
            )

    def observe(self, event: Event, /) -> None:
        """Write the line of an event."""
        fields = {name: value for name, value in event._asdict().items() if value is not None}
        getattr(self._logger, self._level)(f"beautyspot.{type(event).__name__.lower()}", **fields)
