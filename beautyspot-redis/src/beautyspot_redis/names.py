"""How the keys in the server are named.

All begin with ``bs:<namespace>:`` and a word. Then comes a hash tag: what stands in braces decides
in which slot of a cluster a key lies, so that a row and its lease lie in one.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote, unquote

PLAIN: Final = ":/@+,=! "
"""What of a namespace stays as it is, beside letters, digits, ``_``, ``.``, ``-`` and ``~``.

The others are escaped: a brace would be a hash tag, a star a pattern.
"""


class Names:
    """The names of all that one namespace keeps in the server.

    Attributes:
        namespace: as it was given.
        rows: how the names of rows begin.
        pattern: what the names of rows match, and no others.
        meta: what the store says of itself: a hash.
        remarks: texts for people: a hash.
        log: what was invalidated: a sorted set.
        waits: what processes wait for: a hash.
        hours: for which hours there are counts: a set.
        limits: how the names of limits begin: those of one namespace lie in one slot.
        released: the channel that tells of released leases.
    """

    def __init__(self, namespace: str) -> None:
        text = quote(namespace, safe=PLAIN, errors="surrogatepass")
        self.namespace = namespace
        self._row, self._lease = f"bs:{text}:row:{{", f"bs:{text}:lease:{{"
        self._counts = f"bs:{text}:counts:{{{text}}}"
        self.rows = self._row.encode()
        self.pattern = self.rows + b"*"
        self.meta = f"bs:{text}:meta:{{{text}}}".encode()
        self.remarks = f"bs:{text}:remarks:{{{text}}}".encode()
        self.log = f"bs:{text}:log:{{{text}}}".encode()
        self.waits = f"bs:{text}:waits:{{{text}}}".encode()
        self.hours = f"bs:{text}:hours:{{{text}}}".encode()
        self.limits = f"bs:{text}:limit:{{{text}:limits}}"
        self.released = f"bs:{text}:released".encode()

    def row(self, key: str) -> bytes:
        """The name of the row of a key."""
        return f"{self._row}{key}}}".encode("utf-8", "surrogatepass")

    def lease(self, key: str) -> bytes:
        """The name of its lease."""
        return f"{self._lease}{key}}}".encode("utf-8", "surrogatepass")

    def counts(self, hour: int) -> bytes:
        """The name of what was counted in an hour."""
        return f"{self._counts}:{hour}".encode()

    def key_of(self, row: bytes) -> bytes | None:
        """The bytes of the key whose row has this name; None where it is no row's name."""
        if not (row.startswith(self.rows) and row.endswith(b"}")):
            return None
        return row[len(self.rows) : -1]


def namespace_of(name: bytes) -> str | None:
    """The namespace of a store, from the name of what it says of itself; None of other names."""
    found = re.fullmatch(rb"bs:(.*):meta:\{\1\}", name, re.DOTALL)
    return None if found is None else unquote(found[1].decode(), errors="surrogatepass")


def key_bytes(key: str) -> bytes:
    """A key as it stands in a name."""
    return key.encode("utf-8", "surrogatepass")


def key_text(key: bytes) -> str | None:
    """The key again; None where the bytes are no text."""
    try:
        return key.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return None
