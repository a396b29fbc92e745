"""Errors that are results: how they are written, and made again without running their classes.

The serializer of the function gets a plain table: the class by module and qualified name, the
arguments, the attributes, and what classes in C, such as `OSError`, keep beside these. The
traceback and the errors behind it (`__cause__`, `__context__`) are not in it. Nothing that is
stored leads to an import or a call: the class is looked for among those that the mark names and
their subclasses. A bare instance of it is made by the `__new__` of its base in C, and gets what is
stored.
"""

from __future__ import annotations

from contextlib import suppress
from types import GetSetDescriptorType, MemberDescriptorType
from typing import TYPE_CHECKING, Any, Final

from beautyspot.errors import BeautyspotError, RestoreError, SerializationError
from beautyspot.functions.names import is_python_class, leads_back
from beautyspot.messages import error_shown
from beautyspot.serialization.codecs.attributes import Shape
from beautyspot.serialization.codecs.registry import qualified
from beautyspot.serialization.instances import is_same

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beautyspot.contracts import Data, SerializerBase

    Classes = tuple[type[Exception], ...]

_ARGS: Final[Any] = vars(BaseException)["args"]  # a class may have an `args` of its own


def written(serializer: SerializerBase, error: Exception, classes: Classes) -> Data:
    """The bytes of an error, of which one that is equal has been made as a test.

    Args:
        serializer: of the function.
        error: what it raised.
        classes: that its mark names.

    Raises:
        SerializationError: the error has no faithful stored form; says what can't be stored.
    """
    try:
        data = serializer.dumps(_table(error))
        made = restored(serializer, data, classes)
        if made is None:
            raise RestoreError("its class can't be told by its name, which others have as well")
        if not _is_equal(error, made):
            raise RestoreError("what is made of its class, arguments and attributes is not equal")
        if str(error) != str(made):
            raise RestoreError("its text depends on more than its arguments and attributes")
    except Exception as why:
        shown = str(why) if isinstance(why, BeautyspotError) else error_shown(why)
        shown = shown.replace("result[", "its [", 1)
        name = type(error).__qualname__
        raise SerializationError(f"the error {name} can't be stored: {shown}") from why
    return data


def restored(serializer: SerializerBase, data: Data, classes: Classes) -> Exception | None:
    """An error that is equal to the stored one; None where none of the classes has its name.

    Raises:
        RestoreError: the data are damaged, or the class has changed.
    """
    name, args, attributes, kept = _parts(serializer.loads(data))
    cls = _named(name, classes)
    if cls is None:
        return None
    try:
        return _made(cls, args, attributes, kept)
    except RestoreError:
        raise
    except Exception as error:
        raise RestoreError(f"the error {name} can't be made again: {error_shown(error)}") from error


def parts_of(table: object) -> tuple[str, dict[str | int, Any]]:
    """The name of a stored error's class, and its arguments and attributes, for people.

    Raises:
        RestoreError: it is no stored error.
    """
    name, args, attributes, kept = _parts(table)
    fields: dict[str | int, Any] = dict(enumerate(args))
    for named in (attributes, kept):
        fields.update(named.items())
    return name, fields


# ------------------------------------------------------------------------------------ its parts


def _table(error: Exception) -> dict[str, object]:
    cls = type(error)
    table: dict[str, object] = {
        "class": qualified(cls),
        "args": list(_ARGS.__get__(error)),
        "attributes": Shape(cls).state(error),
    }
    kept = _kept(error)
    return {**table, "kept": kept} if kept else table


def _parts(table: Any) -> tuple[str, list[Any], dict[str, Any], dict[str, Any]]:
    if type(table) is not dict or not {*table} <= {"class", "args", "attributes", "kept"}:
        raise RestoreError("a stored error is no table: it is damaged")
    name, args = table.get("class"), table.get("args")
    attributes: Any = table.get("attributes")
    kept: Any = table.get("kept", {})
    if type(name) is not str or type(args) is not list:
        raise RestoreError("a stored error lacks its class, or its arguments: it is damaged")
    if not _are_named(attributes) or not _are_named(kept):
        raise RestoreError("the attributes of a stored error have no names: it is damaged")
    return name, args, attributes, kept


def _are_named(values: Any) -> bool:
    return type(values) is dict and all(type(name) is str for name in values)


def _made(
    cls: type[Exception], args: list[Any], attributes: dict[str, Any], kept: dict[str, Any]
) -> Exception:
    error = _bare(cls)
    _ARGS.__set__(error, tuple(args))
    Shape(cls).set_further(error, attributes)
    members = _members(cls)
    for name, value in kept.items():
        members[name].__set__(error, value)
    return error


def _bare(cls: type[Exception]) -> Exception:
    base: Any = cls
    while is_python_class(base):
        base = base.__base__  # which of several bases says what an instance has in C
    try:
        error: Exception = base.__new__(cls)
    except TypeError as why:  # a group, or an error of a library in C
        raise RestoreError("its class makes no instance without its parts") from why
    return error


def _kept(error: Exception) -> dict[str, Any]:
    """What its classes in C keep, as far as a bare instance has something else there."""
    members = _members(type(error))
    if not members:
        return {}
    bare, ours = _held(members, _bare(type(error))), _held(members, error)
    return {name: value for name, value in ours.items() if bare.get(name) is not value}


def _held(members: dict[str, Any], error: Exception) -> dict[str, Any]:
    held: dict[str, Any] = {}
    for name, member in members.items():
        with suppress(AttributeError):  # some are there only once they were set
            held[name] = member.__get__(error)
    return held


def _members(cls: type[Exception]) -> dict[str, Any]:
    return {
        name: member
        for base in reversed(cls.__mro__)
        if not is_python_class(base) and base.__basicsize__ > BaseException.__basicsize__
        for name, member in vars(base).items()
        if type(member) in (MemberDescriptorType, GetSetDescriptorType) and name[:2] != "__"
    }


def _is_equal(one: Exception, other: Exception) -> bool:
    ours, theirs = _contents(one), _contents(other)
    return type(one) is type(other) and (is_same(ours, theirs) or repr(ours) == repr(theirs))  # NaN


def _contents(error: Exception) -> list[Any]:
    cls = type(error)
    return [_ARGS.__get__(error), Shape(cls).state(error), _held(_members(cls), error)]


# ------------------------------------------------------------------------------------ its class


def _named(name: str, classes: Classes) -> type[Exception] | None:
    """The class of that name for which a mark vouches; None too where it can't be told which."""
    last = name.rpartition(":")[2]  # compared first: there may be a thousand classes
    alike = [cls for cls in _vouched(classes) if cls.__qualname__ == last]
    found = [cls for cls in alike if qualified(cls) == name]
    if len(found) > 1:  # defined again, in a cell or by a reload, while the old one is in use
        found = [cls for cls in found if leads_back(cls)]
    return found[0] if found else None


def _vouched(classes: Classes) -> Iterator[type[Exception]]:
    """The classes that a mark names, and all below them."""
    seen: set[int] = set()
    left = [*classes]
    while left:
        cls = left.pop()
        if id(cls) not in seen:
            seen.add(id(cls))
            yield cls
            left += type.__subclasses__(cls)
