"""How the objects of a metadata store are named.

They lie below ``<prefix>/store/<namespace>/``. A name holds letters, digits and a few other
characters that every server takes; the rest of a namespace or a key is escaped, byte by byte.

The names of rows come in the order of their keys, also where the server lists by directories:
between two characters that stay as they are, the escaped ones have a sign of their own that sorts
there. Rows of long keys, which no Spot makes, are named by a digest, and lie apart.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Final

LONGEST_NAMESPACE: Final = 120
"""Characters that a namespace takes in a name; of a longer one, a digest stands there."""

LONGEST_KEY: Final = 200
"""The same for a key: some servers keep objects as files, whose names have 255 bytes at most."""

_PLAIN_KEY: Final = re.compile(r"[0-9A-Za-z]{1,200}")
_ESCAPE: Final = re.compile(rb"[^0-9A-Za-z]")
_EMPTY: Final = "-"
_LONG: Final = "!"


class Names:
    """The names of all that one namespace keeps in a bucket.

    Args:
        folder: how all keys below the store's prefix begin.
        namespace: any text.

    Attributes:
        namespace: as it was given.
        stores: how the names of all namespaces begin.
        root: how all names begin.
        meta: what the store says of itself, and what was invalidated lately.
        rows: how the names of rows begin.
        long_rows: how those of long keys do.
        leases, used, counts: how the names of these begin.
    """

    def __init__(self, folder: str, namespace: str) -> None:
        self.namespace = namespace
        self.stores = f"{folder}store/"
        self.root = f"{self.stores}{_segment(namespace)}/"
        self.meta = f"{self.root}meta"
        self.rows = f"{self.root}rows/"
        self.long_rows = f"{self.root}rows!/"
        self.leases = f"{self.root}leases/"
        self.used = f"{self.root}used/"
        self.counts = f"{self.root}counts/"

    def row(self, key: str) -> str:
        """The name of the row of a key."""
        name = key_name(key)
        return f"{self.long_rows}{name[1:]}" if name.startswith(_LONG) else self.rows + name

    def lease(self, key: str) -> str:
        """The name of its lease."""
        return self.leases + key_name(key)

    def behind(self, key: str) -> str:
        """A name in front of the names of all rows in `rows` whose keys come behind a key."""
        return self.rows + _escaped(key)[:LONGEST_KEY]

    def beginning(self, key: str) -> str:
        """How the names of those rows in `rows` begin whose keys begin so."""
        return self.rows + _escaped(key)[:LONGEST_KEY]


def key_name(key: str) -> str:
    """A key as it stands in a name: escaped, or a digest of it behind a ``!``."""
    if _PLAIN_KEY.fullmatch(key):
        return key
    name = _escaped(key)
    if len(name) <= LONGEST_KEY:
        return name or _EMPTY
    return _LONG + sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def _escaped(key: str) -> str:
    data = key.encode("utf-8", "surrogatepass")
    return _ESCAPE.sub(_key_escape, data).decode("ascii")


def _key_escape(found: re.Match[bytes]) -> bytes:
    """A byte, behind a sign that sorts where the byte does among letters and digits."""
    byte = found[0][0]
    if byte < ord("0"):
        sign = "-"
    elif byte < ord("A"):
        sign = "="
    elif byte < ord("a"):
        sign = "_"
    else:
        sign = "~"
    return f"{sign}{byte:02x}".encode()


def _segment(namespace: str) -> str:
    """A namespace as a part of a path."""
    data = namespace.encode("utf-8", "surrogatepass")
    name = "".join(
        chr(byte) if re.fullmatch(rb"[0-9A-Za-z_.-]", bytes([byte])) else f"~{byte:02x}"
        for byte in data
    )
    if not name.strip("."):
        name = name.replace(".", "~2e")
    if len(name) <= LONGEST_NAMESPACE:
        return name
    return f"{name[: LONGEST_NAMESPACE - 34]}~~{sha256(data).hexdigest()[:32]}"


def namespace_of(segment: str) -> str:
    """The namespace that is written so as a part of a path, for people; a long one ends early."""
    data = re.sub(
        rb"~([0-9a-f]{2})",
        lambda found: bytes.fromhex(found[1].decode()),
        segment.partition("~~")[0].encode(),
    )
    return data.decode("utf-8", "replace")
