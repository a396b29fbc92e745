"""Codecs of Polars frames and series, by Polars' own writer of Arrow's stream format.

Refused: columns of Python objects, and types that do not come back from an empty frame of the same
schema. A LazyFrame is a plan and not a value: collect it.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from beautyspot.errors import RestoreError
from beautyspot.libraries.arrow_stream import Sink, refuse_bombs
from beautyspot.serialization.codecs.contract import Codec, Refused, check

if TYPE_CHECKING:
    from beautyspot.serialization.codecs.contract import Read, Write


def _require_faithful(frame: pl.DataFrame) -> None:
    """Check the schema alone: Polars reads and writes its own types, so the data are kept."""
    stream = BytesIO()
    try:
        frame.clear().write_ipc_stream(stream)
        faithful = pl.read_ipc_stream(stream.getvalue()).schema == frame.schema
    except Exception as error:
        raise Refused(f"Polars can't write it ({error}): cast its columns") from error
    if not faithful:
        raise Refused(f"not every column has a stored form ({frame.schema}): cast the others")


def _encode_frame(value: pl.DataFrame, write: Write) -> list[object]:
    _require_faithful(value)

    def fill(out: bytearray) -> None:
        sink: Any = Sink(out)  # a file in all that is asked of it
        value.write_ipc_stream(sink)

    return [write.buffer(None, fill)]


def _decode_frame(parts: list[Any], read: Read) -> pl.DataFrame:
    [part] = check(parts, int)
    stream = read.buffer(part)
    refuse_bombs(stream)
    try:
        return pl.read_ipc_stream(bytes(stream))
    except pl.exceptions.PanicException as error:  # it is not a subclass of Exception
        raise RestoreError(f"Polars can't read the frame: {error}") from error


def _encode_series(value: pl.Series, write: Write) -> list[object]:
    return _encode_frame(value.to_frame(), write)


def _decode_series(parts: list[Any], read: Read) -> pl.Series:
    return _decode_frame(parts, read).to_series()


CODECS: Final[dict[type, Codec]] = {
    pl.DataFrame: Codec(95, _encode_frame, _decode_frame),
    pl.Series: Codec(96, _encode_series, _decode_series),
}
