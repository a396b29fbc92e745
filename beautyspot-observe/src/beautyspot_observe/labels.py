"""Labels with a bounded number of values, however many functions a program makes in a loop."""

from __future__ import annotations

from typing import Final

from beautyspot import ConfigError

OTHER: Final = "other"
"""In place of the names that are beyond the bound."""

MOST: Final = 1000


class Names:
    """Lets so many functions keep their names in labels, and calls the others "other".

    Args:
        most: so many pairs of a Spot and a function are told apart, or one more for each thread.
        option: the option that says so, for the message.

    Raises:
        ConfigError: `most` is no whole number above 0.
    """

    def __init__(self, most: int, option: str) -> None:
        if not isinstance(most, int) or isinstance(most, bool) or most < 1:
            raise ConfigError(
                f"{option}={most!r:.50}: give a whole number above 0, such as {option}={MOST}"
            )
        self._most = most
        self._pairs: set[tuple[str, str]] = set()
        self._spots: set[str] = set()

    def known(self, spot: str, function: str) -> bool:
        """Whether the pair keeps its names; decided when it is first seen. Takes no lock."""
        pair = (spot, function)
        if pair in self._pairs:
            return True
        if len(self._pairs) >= self._most:
            return False
        self._pairs.add(pair)
        self._spots.add(spot)
        return True

    def bounded(self, spot: str, function: str) -> tuple[str, str]:
        """The Spot and the function as labels."""
        if self.known(spot, function):
            return spot, function
        return (spot if spot in self._spots else OTHER), OTHER
