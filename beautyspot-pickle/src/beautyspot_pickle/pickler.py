"""Pickles a value, and notes which packages made what is in it."""

from __future__ import annotations

import pickle
from io import BytesIO
from types import BuiltinFunctionType, FunctionType
from typing import Any, Final

from beautyspot import File, SerializationError

_BY_NAME: Final = (type, FunctionType, BuiltinFunctionType)
"""What is pickled by its name: its own module counts, and not that of its class."""


def pickled(value: object) -> tuple[memoryview, set[str]]:
    """The pickle of a value, and the names of the packages of which there is something in it.

    Raises:
        SerializationError: there is a `File` in it.
        Exception: it can't be pickled.
    """
    out = BytesIO()
    pickler = _Pickler(out)
    pickler.dump(value)
    return out.getbuffer(), pickler.packages


class _Pickler(pickle.Pickler):
    """Notes the packages of what it pickles, and refuses what is not in a pickle.

    Attributes:
        packages: the names of the packages.
    """

    def __init__(self, out: BytesIO) -> None:
        super().__init__(out, protocol=5)
        self.packages: set[str] = set()

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, File):
            raise SerializationError(
                f"{obj.path} can't be stored in another value: a File is the whole result"
            )
        named = obj if isinstance(obj, _BY_NAME) else type(obj)
        self.packages.add(str(getattr(named, "__module__", "")).partition(".")[0])
        return NotImplemented
