"""Errors that are results: how they are written, and made again without running their classes.

The serializer of the function gets a plain table: the class by module and qualified name, the
arguments, and the attributes, with what classes in C, such as `OSError`, keep beside these. The
traceback and the errors behind it (`__cause__`, `__context__`) are not in it. Nothing that is
stored leads to an import or a call: the class is one that the mark names, or one below, which is
loaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from beautyspot.errors import BeautyspotError, RestoreError, SerializationError
from beautyspot.functions.names import identifier_of
from beautyspot.messages import error_shown
from beautyspot.serialization.classes import form_of, is_below, loaded_class
from beautyspot.serialization.codec import Refused

if TYPE_CHECKING:
    from beautyspot.contracts import Data, SerializerBase

    Classes = tuple[type[Exception], ...]


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
        table = _table(error)
        data = serializer.dumps(table)
        made: Any = restored(serializer, data, classes)
        is_it = type(made) is type(error) and str(made) == str(error)
        if not is_it or bytes(serializer.dumps(_table(made))) != bytes(data):
            raise RestoreError("what its name, arguments and attributes lead to is not equal")
    except Exception as why:
        shown = str(why) if isinstance(why, BeautyspotError | Refused) else error_shown(why)
        shown = f"it {shown}" if shown.startswith("is ") else shown.replace("result[", "its [", 1)
        raise SerializationError(
            f"the error {type(error).__qualname__} can't be stored: {shown}"
        ) from why
    return data


def _table(error: Exception) -> dict[str, Any]:
    fields, attributes, args = form_of(type(error)).parts(error)
    name = identifier_of(type(error))
    return {"class": name, "fields": fields, "attributes": dict(attributes), "args": args}


def restored(serializer: SerializerBase, data: Data, classes: Classes) -> Exception | None:
    """An error that is equal to the stored one; None where none of the classes has its name.

    Raises:
        RestoreError: the data are damaged, or the class has changed.
    """
    name, *parts = _parts(serializer.loads(data))
    cls = next((cls for cls in classes if identifier_of(cls) == name), None) or loaded_class(name)
    if cls is None or not is_below(cls, *classes):
        return None
    try:
        made: Exception = form_of(cls).make(*parts)
    except RestoreError:
        raise
    except Exception as error:
        raise RestoreError(f"the error {name} can't be made again: {error_shown(error)}") from error
    return made


def parts_of(table: object) -> tuple[str, dict[str | int, Any]]:
    """The name of a stored error's class, and its arguments and attributes, for people.

    Raises:
        RestoreError: it is no stored error.
    """
    name, _, attributes, args = _parts(table)
    return name, {**dict(enumerate(args)), **attributes}


def _parts(table: Any) -> list[Any]:
    if type(table) is dict and [*table] == ["class", "fields", "attributes", "args"]:
        kinds: list[Any] = [*map(type, table.values())]
        if kinds in ([str, int, dict, list], [str, dict, dict, list]):
            return [*table.values()]
    raise RestoreError("a stored error lacks its class, its arguments or attributes: it is damaged")
