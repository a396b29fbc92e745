"""`Door`: a link that opens once, and the cookie that its browser shows from then on."""

from __future__ import annotations

from secrets import compare_digest, token_urlsafe
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_BYTES = 32
"""Of random in a token."""


class Door:
    """Lets in who brings the token, once, and then who shows the cookie.

    Args:
        name: of the cookie. Cookies know no ports, so it has to hold the port.
        announce: is told the next token when one was used, for another browser.
    """

    def __init__(self, name: str, announce: Callable[[str], object]) -> None:
        self._name = name
        self._announce = announce
        self._session = token_urlsafe(_BYTES)
        self._lock = Lock()
        self.token = token_urlsafe(_BYTES)

    def spend(self, token: str) -> bool:
        """Use a token up; whether it was the right one."""
        with self._lock:
            if not _same(token, self.token):
                return False
            self.token = following = token_urlsafe(_BYTES)
        self._announce(following)
        return True

    def cookie(self) -> str:
        """The header that gives a browser its cookie.

        It ends with the browser, and at the latest with this process.
        """
        return f"{self._name}={self._session}; Path=/; HttpOnly; SameSite=Strict"

    def knows(self, cookies: Iterable[str]) -> bool:
        """Whether the cookie is among these, the values of the header `Cookie`.

        Another server on this machine may have set one of the same name: that does not lock out.
        """
        pairs = [pair.strip().partition("=") for each in cookies for pair in each.split(";")]
        return any(name == self._name and _same(value, self._session) for name, _, value in pairs)


def _same(given: str, wanted: str) -> bool:
    return compare_digest(given.encode("utf-8", "replace"), wanted.encode())
