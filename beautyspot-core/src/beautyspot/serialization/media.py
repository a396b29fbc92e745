"""What writes a result in the format that its content type names, and reads it.

`tasks.media` chooses the format. The modules of libraries have a table `FORMATS`, by format name.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from beautyspot.serialization.codecs.writer import step_to
from beautyspot.serialization.payload import Unfit

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.contracts import Data


class Format(NamedTuple):
    """One format, for the values of one library.

    Attributes:
        write: returns the document, and what of the value the format does not hold (b"" if
            nothing): a caller reads both again, to see whether that gives the value.
        read: returns the value of both.
    """

    write: Callable[[Any], tuple[bytes, bytes]]
    read: Callable[[Data, bytes], Any]


_EXACT: Final = (str, int, bool, type(None))


def _write_json(value: Any) -> tuple[bytes, bytes]:
    why = _unlike_json(value, "result")
    if why:
        raise Unfit(why)
    return json.dumps(value, ensure_ascii=False, allow_nan=False).encode(), b""


def _unlike_json(value: Any, path: str) -> str | None:
    """What JSON does not hold, or would give back as something else."""
    kind = type(value)
    if kind in _EXACT or (kind is float and math.isfinite(value)):
        return None
    if kind is list:
        parts = ((item, f"{path}[{place}]") for place, item in enumerate(value))
    elif kind is dict:
        other = [key for key in value if type(key) is not str]
        if other:
            return f"{path} has the key {other[0]!r:.40}, and JSON's keys are texts"
        parts = ((item, f"{path}{step_to(key)}") for key, item in value.items())
    else:
        shown = repr(value) if kind is float else f"a {kind.__qualname__}"
        return f"{path} is {shown}, which JSON does not hold"
    return next(filter(None, (_unlike_json(*part) for part in parts)), None)


def _read_json(data: Data, beside: bytes) -> Any:
    del beside
    return json.loads(bytes(data))


FORMATS: Final = {"json": Format(_write_json, _read_json)}
