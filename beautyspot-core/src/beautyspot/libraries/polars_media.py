"""Frames of Polars as CSV and Parquet."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Final

import polars as pl

from beautyspot.errors import RestoreError
from beautyspot.serialization.media import Format
from beautyspot.serialization.serializer import MsgpackSerializer

if TYPE_CHECKING:
    from beautyspot.contracts import Data

_PLAIN: Final = MsgpackSerializer()


def _write_csv(value: pl.DataFrame) -> tuple[bytes, bytes]:
    return value.write_csv().encode(), bytes(_PLAIN.dumps(value.clear()))


def _read_csv(data: Data, beside: bytes) -> pl.DataFrame:
    schema = _PLAIN.loads(beside).schema
    try:
        return pl.read_csv(BytesIO(data), schema=schema)
    except pl.exceptions.PanicException as error:  # it is not a subclass of Exception
        raise RestoreError(f"Polars can't read the table: {error}") from error


def _write_parquet(value: pl.DataFrame) -> tuple[bytes, bytes]:
    out = BytesIO()
    value.write_parquet(out)
    return out.getvalue(), b""


def _read_parquet(data: Data, beside: bytes) -> pl.DataFrame:
    del beside
    try:
        return pl.read_parquet(BytesIO(data))
    except pl.exceptions.PanicException as error:  # as above
        raise RestoreError(f"Polars can't read the table: {error}") from error


FORMATS: Final = {
    "csv": Format(_write_csv, _read_csv),
    "parquet": Format(_write_parquet, _read_parquet),
}
