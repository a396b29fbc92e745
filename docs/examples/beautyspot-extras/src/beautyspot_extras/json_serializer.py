"""Results as JSON, if JSON can store them exactly."""

from __future__ import annotations

import json
import math
from typing import Any

import beautyspot as bs
from beautyspot.contracts import Data

_PLAIN = (type(None), bool, int, float, str)
_DIGITS = 4000  # Python does not read longer numbers from text


class JsonSerializer(bs.SerializerBase):
    """None, bool, int, float, str, list, and dict with text keys; refuses the rest."""

    name = "json"

    def dumps(self, value: object) -> Data:
        """See the base class."""
        try:
            _check(value, "the result")
            return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
        except RecursionError:
            raise bs.SerializationError("nested too deeply for JSON: return flatter data") from None

    def loads(self, data: Data) -> Any:
        """See the base class."""
        try:
            return json.loads(bytes(data))
        except (ValueError, RecursionError) as exc:
            raise bs.RestoreError(f"not JSON of this serializer ({exc}): store it again") from exc


def _check(value: object, where: str) -> None:
    """Refuse what would come back changed. Types are compared exactly: a subclass would be lost."""
    if type(value) is list:
        for number, item in enumerate(value):
            _check(item, f"{where}[{number}]")
    elif type(value) is dict:
        for key, item in value.items():
            if type(key) is not str:
                raise bs.SerializationError(f"{where} has the key {key!r:.40}: use texts as keys")
            _check(key, f"a key of {where}")
            _check(item, f"{where}[{key!r:.40}]")
    elif type(value) not in _PLAIN or not _is_faithful(value):
        what = type(value).__qualname__
        raise bs.SerializationError(f"JSON can't store {where} ({what}): use serializer='msgpack'")


def _is_faithful(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, int):
        return value.bit_length() < 3 * _DIGITS
    return not isinstance(value, str) or not any("\ud800" <= sign <= "\udfff" for sign in value)
