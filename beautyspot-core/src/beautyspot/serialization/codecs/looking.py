"""Reads a document without the classes and libraries of the program that stored it.

A class for which nothing vouches becomes an `Instance`, a value of a library that is not installed
a `NotInstalled`. A value that can't be made of parts with such in them is an `Instance` too, of its
own type: a date whose zone is of an unknown class, say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfoNotFoundError

from xxhash import xxh3_128

from beautyspot.contracts.types import OF_DATA
from beautyspot.errors import RestoreError
from beautyspot.serialization.codecs import classes, generics
from beautyspot.serialization.codecs.contract import Tag, check
from beautyspot.serialization.codecs.document import Reader
from beautyspot.serialization.codecs.registry import REGISTERED, SUPPORTED
from beautyspot.serialization.codecs.table import library_of, type_of
from beautyspot.serialization.instances import Instance, NotInstalled

if TYPE_CHECKING:
    from collections.abc import Callable

    Fields = dict[str | int, Any]

_NOT_HERE: Final = (ZoneInfoNotFoundError, NotImplementedError)
"""Raised for what this machine has not: a zone, the paths of another system."""


class LookingReader(Reader):
    """A `Reader` that puts something in the place of what it can't make."""

    __slots__ = ("_has_stand_ins", "_lacks_buffers")

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._has_stand_ins = False
        self._lacks_buffers = False

    def marker(self, code: int, data: bytes) -> Tag:
        """The tag of an ext, also of a library that is not installed."""
        try:
            return super().marker(code, data)
        except RestoreError as error:
            if not isinstance(error.__cause__, ImportError):
                raise
        self._markers += 1
        return Tag(code, lambda parts, _: self._not_installed(library_of(code) or "", "", parts))

    def array(self, items: list[Any]) -> Any:
        """The value of a tagged array, or what stands in its place; any other as it is."""
        if not items or not isinstance(items[0], Tag):
            return items
        self._markers -= 1
        tag, parts = items[0], items[1:]
        try:
            return tag.decode(parts, self)
        except Exception as error:
            if tag is SUPPORTED:
                return self._supported(parts, error)
            return self._stand_in(tag, parts, error)

    def _supported(self, parts: list[Any], error: Exception) -> Instance | NotInstalled:
        """What stands in the place of a value of a plug-in's types."""
        names, _, how = check(parts[:3], str, str, int)
        name, _, exact = names.partition(" ")
        library, form = name.partition(":")[0].partition(".")[0], parts[3:]
        if isinstance(error, ImportError):
            return self._not_installed(library, exact or name, form)
        is_known = name in self._registry.types
        if is_known and not self._has_stand_ins:
            raise error
        if library in OF_DATA and not is_known:
            return self._not_installed("beautyspot-data", exact or name, form)
        self._has_stand_ins = True
        form = [bytes(part) if type(part) is memoryview else part for part in form]
        return Instance(*_encoded(exact or name, form if how else form[0]))

    def _stand_in(self, tag: Tag, parts: list[Any], error: Exception) -> Instance:
        fields = _FIELDS.get(tag.code)
        found: Fields
        if fields is not None:
            name, found = fields(*parts)
        elif self._has_stand_ins or isinstance(error, _NOT_HERE):
            name = type_of(tag.code)
            found = dict[str | int, Any](enumerate(parts))
            self._lacks_buffers = True
        else:
            raise error
        if type(name) is not str:
            raise RestoreError("a class without a name")
        self._has_stand_ins = True
        return Instance(name, found)

    def _not_installed(self, library: str, name: str, parts: list[Any]) -> NotInstalled:
        self._has_stand_ins = True
        text = repr([part for part in parts if type(part) is not memoryview])
        digest, size = xxh3_128(text.encode(errors="surrogatepass")), len(text)
        if parts and type(parts[-1]) is memoryview:
            digest.update(parts[-1])
            size = len(parts[-1])
        kind = name.rpartition(":")[2] or "value"
        return NotInstalled(library, kind, _shape(parts), size, digest.digest())

    def finish(self) -> None:
        """See `Reader.finish`. Buffers are left over where no codec has read them."""
        if self._lacks_buffers:
            self._segments.clear()
        super().finish()


def _shape(parts: list[Any]) -> tuple[int, ...] | None:
    """The first of the parts that is a list of numbers, where there is large data beside it."""
    lists = [part for part in parts if type(part) is list and {*map(type, part)} == {int}]
    return tuple(lists[0]) if lists and type(parts[-1]) is memoryview else None


# ------------------------------------------------ the name and the fields of each kind of class


def _named(name: str, *parts: Any) -> tuple[str, Fields]:
    """All attributes: fields and others, private and extra ones of models."""
    return name, {key: each for part in parts if type(part) is dict for key, each in part.items()}


def _enum(name: str, member: str, *value: Any) -> tuple[str, Fields]:
    return name, dict(zip(("name", "value"), (member, *value), strict=False))


def _flag(name: str, number: int, members: list[str]) -> tuple[str, Fields]:
    return name, {"names": members, "value": number}


def _exception(
    name: str, args: list[Any], state: Fields, cause: Any, _suppress: Any
) -> tuple[str, Fields]:
    by_cause: Fields = {} if cause is None else {"__cause__": cause}
    return name, {**dict(enumerate(args)), **state, **by_cause}


def _subclass(name: str, plain: Any, state: Fields) -> tuple[str, Fields]:
    return name, {0: plain, **state}


def _encoded(name: str, form: Any) -> tuple[str, Fields]:
    """What a function of the program, or of a plug-in, made of the instance."""
    if type(form) is dict and all(type(key) is str for key in form):
        return name, form
    return name, dict(enumerate(form)) if type(form) in (list, tuple) else {0: form}


_FIELDS: Final[dict[int, Callable[..., tuple[str, Fields]]]] = {
    **{tag.code: _named for tag in (classes.OBJECT, classes.NAMED_TUPLE, classes.MODEL)},
    generics.GENERIC.code: _named,
    classes.ENUM.code: _enum,
    classes.FLAG.code: _flag,
    classes.EXCEPTION.code: _exception,
    classes.SUBCLASS.code: _subclass,
    REGISTERED.code: _encoded,
}
