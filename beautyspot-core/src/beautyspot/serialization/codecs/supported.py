"""Codec of the classes that plug-ins support: what their `encode` gives, by names alone.

Stored are the name in `TypeSupport.classes`, the support's own name, the exact class and the
encoded value. What is stored names no module to import: it only finds the support that is
installed for that name, and that makes the value.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from beautyspot.contracts.types import class_name
from beautyspot.errors import RestoreError
from beautyspot.serialization.codecs.contract import Entry, Refused, class_tag

if TYPE_CHECKING:
    from beautyspot.contracts.types import TypeSupport
    from beautyspot.serialization.codecs.contract import Read, Write

SUPPORTED: Final = class_tag(68)


def supported_entry(name: str, support: TypeSupport) -> Entry:
    """How a plug-in writes and reads the instances of the class with this name."""
    return Entry(object, name, SUPPORTED, partial(_encode, support), partial(_decode, support))


def _encode(support: TypeSupport, value: object, write: Write) -> list[object]:
    try:
        form = support.encode(value)
    except Exception as error:
        raise Refused(f"{_title(support)}.encode raised {error!r}") from error
    cls = type(value)
    return [support.name, class_name(cls), write.value(form, f".<encoded {cls.__qualname__}>")]


def _decode(support: TypeSupport, parts: list[Any], _read: Read) -> object:
    by, exact, form = parts
    if by != support.name:
        raise RestoreError(f"{exact} was stored by the types {by!r}, and is now {support.name!r}'s")
    try:
        value = support.decode(form)
    except Exception as error:
        raise RestoreError(f"{_title(support)}.decode raised {error!r}") from error
    if class_name(type(value)) != exact:
        made = class_name(type(value))
        raise RestoreError(f"{_title(support)}.decode gave a {made} in place of a {exact}")
    return value


def _title(support: TypeSupport) -> str:
    return class_name(type(support)).replace(":", ".")
