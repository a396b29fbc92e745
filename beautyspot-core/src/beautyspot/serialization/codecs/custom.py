"""Codecs of classes with functions that write and read them, of the program or of a plug-in.

For a class that a plug-in supports, the stored value has its name in `TypeSupport.classes`, the
name of the support, the exact class and what `encode` returned. Nothing is imported by these names:
they select an installed support, whose `decode` makes the value.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from beautyspot.contracts.types import class_name
from beautyspot.errors import RestoreError
from beautyspot.serialization.codecs.contract import Entry, Refused, class_tag

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.contracts.types import TypeSupport
    from beautyspot.serialization.codecs.contract import Write

    Encode = Callable[[Any], object]
    Decode = Callable[[Any], Any]

REGISTERED: Final = class_tag(66)
SUPPORTED: Final = class_tag(68)


def registered_entry(cls: type, name: str, encode: Encode, decode: Decode) -> Entry:
    """How a program's functions write and read the instances of a class."""
    writer = partial(_encode_registered, encode)
    return Entry(cls, name, REGISTERED, writer, partial(_decode_registered, cls, decode), (object,))


def _encode_registered(encode: Encode, value: object, write: Write) -> list[object]:
    return [_encoded(encode, "its encode=", value, write)]


def _decode_registered(cls: type, decode: Decode, form: Any) -> object:
    value = decode(form)
    if type(value) is not cls:
        raise RestoreError(f"decode= of {cls.__qualname__} gave a {type(value).__qualname__}")
    return value


def supported_entry(name: str, support: TypeSupport) -> Entry:
    """How a plug-in writes and reads the instances of the class with this name."""
    writer, reader = partial(_encode_supported, support), partial(_decode_supported, support)
    return Entry(object, name, SUPPORTED, writer, reader, (str, str, object))


def _encode_supported(support: TypeSupport, value: object, write: Write) -> list[object]:
    form = _encoded(support.encode, f"{_title(support)}.encode", value, write)
    return [support.name, class_name(type(value)), form]


def _decode_supported(support: TypeSupport, by: str, exact: str, form: Any) -> object:
    if by != support.name:
        raise RestoreError(f"{exact} was stored by the types {by!r}, and is now {support.name!r}'s")
    try:
        value = support.decode(form)
    except Exception as error:
        raise RestoreError(f"{_title(support)}.decode raised {error!r}") from error
    made = class_name(type(value))
    if made != exact:
        raise RestoreError(f"{_title(support)}.decode gave a {made} in place of a {exact}")
    return value


def _encoded(encode: Encode, title: str, value: object, write: Write) -> object:
    try:
        form = encode(value)
    except Exception as error:
        raise Refused(f"{title} raised {error!r}: correct the function") from error
    return write.value(form, f".<encoded {type(value).__qualname__}>")


def _title(support: TypeSupport) -> str:
    return class_name(type(support)).replace(":", ".")
