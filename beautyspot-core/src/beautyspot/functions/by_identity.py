"""Tables whose keys are told apart by what they are: a class may be equal to another one."""

from __future__ import annotations

from typing import Any, Generic, TypeVar
from weakref import ref

V = TypeVar("V")


class ByIdentity(Generic[V]):
    """A table of classes or code objects, which it does not keep alive.

    A dict asks the keys for their hash, and whether they are equal. A metaclass may answer by the
    names of its classes, and code objects answer by their bytecode.
    """

    __slots__ = ("_entries",)

    def __init__(self) -> None:
        self._entries: dict[int, tuple[ref[Any], V]] = {}

    def __reduce__(self) -> tuple[type[ByIdentity[V]], tuple[()]]:
        """What is kept is not sent to another process: it can be found there again."""
        return ByIdentity, ()

    def get(self, key: Any) -> V | None:
        """The value of this very object, or None."""
        entry = self._entries.get(id(key))
        return entry[1] if entry is not None and entry[0]() is key else None

    def put(self, key: Any, value: V) -> V:
        """Set the value of an object, and return it."""
        entries, number = self._entries, id(key)
        entries[number] = (ref(key, lambda _: entries.pop(number, None)), value)
        return value
