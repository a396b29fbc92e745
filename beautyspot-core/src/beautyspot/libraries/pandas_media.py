"""Frames of pandas as CSV and Parquet.

CSV holds no data types: those stand beside it, as a frame without rows.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

import pandas as pd  # type: ignore[import-untyped] # it ships no types

from beautyspot.serialization.media import Format
from beautyspot.serialization.payload import Unfit
from beautyspot.serialization.serializer import MsgpackSerializer

if TYPE_CHECKING:
    from beautyspot.contracts import Data

_PLAIN: Final = MsgpackSerializer()
_TIMES: Final = ("M", "m")
_TEXTS: Final = ("object", "str")
_EXACT: Final[dict[str, Any]] = (  # pandas 3.1 reads numbers so without being told
    {"float_precision": "round_trip"} if [*map(int, pd.__version__.split(".")[:2])] < [3, 1] else {}
)


def _write_csv(value: pd.DataFrame) -> tuple[bytes, bytes]:
    if not _is_plain(value.index):
        raise Unfit("a CSV table has no index of its own: reset_index() makes it a column")
    out = value.to_csv(index=False).encode()
    return out, bytes(_PLAIN.dumps(value.iloc[:0]))


def _is_plain(index: Any) -> bool:
    return type(index) is pd.RangeIndex and (index.start, index.step) == (0, 1)


def _read_csv(data: Data, beside: bytes) -> pd.DataFrame:
    empty = _PLAIN.loads(beside)
    names = [str(place) for place in range(empty.shape[1])]
    types = dict(zip(names, empty.dtypes, strict=True))
    times = [name for name, dtype in types.items() if getattr(dtype, "kind", "") in _TIMES]
    frame = pd.read_csv(
        BytesIO(data),
        header=0,
        names=names,
        dtype={name: str if name in times else dtype for name, dtype in types.items()},
        keep_default_na=False,
        na_values={name: [""] for name, dtype in types.items() if str(dtype) not in _TEXTS},
        skip_blank_lines=False,
        **_EXACT,
    )
    for name in times:
        frame[name] = _times(frame[name], types[name])
    frame.columns = empty.columns
    frame.index.name = empty.index.name
    frame.attrs = empty.attrs
    return frame


def _times(texts: Any, dtype: Any) -> Any:
    if dtype.kind == "m":
        return pd.to_timedelta(texts).astype(dtype)
    zone = getattr(dtype, "tz", None)
    times = pd.to_datetime(texts, format="ISO8601", utc=zone is not None)
    return times.astype(dtype)


def _write_parquet(value: pd.DataFrame) -> tuple[bytes, bytes]:
    out = BytesIO()
    value.to_parquet(out, engine="pyarrow")
    return out.getvalue(), b""


def _read_parquet(data: Data, beside: bytes) -> pd.DataFrame:
    del beside
    from beautyspot.libraries.arrow_media import read_parquet
    from beautyspot.libraries.pandas_types import refuse_files

    table = read_parquet(data)
    refuse_files(table.schema.pandas_metadata or {})
    frame: pd.DataFrame = table.to_pandas()
    return frame


FORMATS: Final = {
    "csv": Format(_write_csv, _read_csv),
    "parquet": Format(_write_parquet, _read_parquet),
}
