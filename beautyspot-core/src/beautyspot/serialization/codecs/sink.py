"""The output of a document as a file, for libraries that write to files."""

from __future__ import annotations

from typing import Any


class Sink:
    """A file that can only be written to, and appends to the output without a copy between."""

    closed = False

    def __init__(self, out: bytearray) -> None:
        self._out = out

    def write(self, data: Any) -> int:
        """Append bytes, or anything with a buffer."""
        view = memoryview(data)
        self._out += view
        return view.nbytes

    def flush(self) -> None:
        """Nothing waits to be written."""

    def writable(self) -> bool:
        """It is."""
        return True
