"""Documents that somebody wrote by hand, as `MsgpackSerializer` reads them."""

from __future__ import annotations

import struct
from typing import Any

import msgpack  # type: ignore[import-untyped]

INSTANCE, ENUM, FUNCTIONS, BUFFER = 60, 62, 66, 13


def ext(code: int, version: int = 1) -> Any:
    """What a tagged value begins with."""
    return msgpack.ExtType(code, bytes([version]))


def document(tree: Any, *buffers: bytes, version: int = 3, size: int | None = None) -> bytes:
    """A document with tagged values.

    Args:
        tree: the value, in which tagged ones are lists that begin with an `ext`.
        buffers: those beside it, each from a multiple of 64 on.
        version: of the document.
        size: what it says of the size of its buffers.
    """
    beside = b""
    for buffer in buffers:
        beside += bytes(-(14 + len(beside)) % 64) + buffer
    head = struct.pack(">BIBBBBB", 0xDD, 3, 0xC7, 1, 0, version, 0xC6)
    length = len(beside) if size is None else size
    return head + struct.pack(">I", length) + beside + bytes(msgpack.packb(tree))


def tagged(code: int, *parts: Any) -> bytes:
    """A document that is one tagged value."""
    return document([ext(code), *parts])


def instance(name: Any, fields: Any, state: Any, *content: Any) -> bytes:
    """A document that is an instance of a class of a program."""
    return tagged(INSTANCE, name, fields, state, *content)
