"""How the objects of a metadata store are named.

They lie below ``<prefix>/store/<namespace>/``. A name holds letters, digits and a few other
characters that every server takes; the rest of a namespace or a key is escaped, byte by byte.

The names of rows come in the order of their keys, also where the server lists by directories:
between two characters that stay as they are, the escaped ones have a sign of their own that sorts
there.
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
_ESCAPED: Final = re.compile(r"[-=_~]([0-9a-f]{2})")
_NAME: Final = re.compile(r"(?:[0-9A-Za-z]|[-=_~][0-9a-f]{2})+")
_EMPTY: Final = "-"
_DIGEST: Final = "!"


class Names:
    """The names of all that one namespace keeps in a bucket.

    Args:
        folder: how all keys below the store's prefix begin.
        namespace: any text.

    Attributes:
        namespace: as it was given.
        root: how all names begin.
        meta: what the store says of itself, and what was invalidated lately.
        rows, leases, used, counts: how the names of these begin.
    """

    def __init__(self, folder: str, namespace: str) -> None:
        self.namespace = namespace
        self.root = f"{folder}store/{_segment(namespace)}/"
        self.meta = f"{self.root}meta"
        self.rows = f"{self.root}rows/"
        self.leases = f"{self.root}leases/"
        self.used = f"{self.root}used/"
        self.counts = f"{self.root}counts/"

    def row(self, key: str) -> str:
        """The name of the row of a key."""
        return self.rows + key_name(key)

    def lease(self, key: str) -> str:
        """The name of its lease."""
        return self.leases + key_name(key)


def key_name(key: str) -> str:
    """A key as it stands in a name.

    That of a long key ends with a digest, for which `key_of` knows no key.
    """
    if _PLAIN_KEY.fullmatch(key):
        return key
    if not key:
        return _EMPTY
    data = key.encode("utf-8", "surrogatepass")
    name = _ESCAPE.sub(_key_escape, data).decode("ascii")
    if len(name) <= LONGEST_KEY:
        return name
    digest = sha256(data).hexdigest()[:40]
    return f"{_cut(name, LONGEST_KEY - len(digest) - 1)}{_DIGEST}{digest}"


def key_of(name: str) -> str | None:
    """The key that stands in a name; None where that is only known from the row itself."""
    if name == _EMPTY:
        return ""
    if not _NAME.fullmatch(name):
        return None
    try:
        data = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), name).encode("latin-1")
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return None


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


def _cut(name: str, length: int) -> str:
    """The beginning of a name, without a part of an escape at its end."""
    return re.sub(r"[-=_~][0-9a-f]?\Z", "", name[:length])


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
    return f"{_cut(name, LONGEST_NAMESPACE - 34)}~~{sha256(data).hexdigest()[:32]}"
