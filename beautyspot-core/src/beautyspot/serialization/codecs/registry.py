"""The classes for which the program vouches: by type for storing, by name for restoring.

Here are, too, the codecs of classes with functions that write and read them, of the program or of a
plug-in. For a class that a plug-in supports, the stored value has its name in
`TypeSupport.classes`, the name of the support, the exact class and what `encode` returned. Nothing
is imported by these names: they select an installed support, whose `decode` makes the value.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from beautyspot.contracts.types import class_name, support_of
from beautyspot.errors import ConfigError, RestoreError, SerializationError
from beautyspot.functions.names import identifier_of, leads_back
from beautyspot.messages import error_shown, less_secrets
from beautyspot.serialization.codecs.contract import Entry, Refused, class_tag

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.contracts.types import Types, TypeSupport
    from beautyspot.serialization.codecs.contract import Tag, Write

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
        raise RestoreError(f"{_title(support)}.decode raised {error_shown(error)}") from error
    made = class_name(type(value))
    if made != exact:
        raise RestoreError(f"{_title(support)}.decode gave a {made} in place of a {exact}")
    return value


def _encoded(encode: Encode, title: str, value: object, write: Write) -> object:
    try:
        form = encode(value)
    except SerializationError as error:  # the function refuses the value, and says why
        raise Refused(f"a {type(value).__qualname__} {less_secrets(str(error))}") from error
    except Exception as error:
        raise Refused(f"{title} raised {error_shown(error)}: correct the function") from error
    return write.value(form, f".<encoded {type(value).__qualname__}>")


def _title(support: TypeSupport) -> str:
    return class_name(type(support)).replace(":", ".")


class Registry:
    """Entries by type and by name. A child has those of its parent too, also later ones.

    Args:
        parent: its entries win over those that are added here.
        types: those of the plug-ins; they win over what is added here and in children.
    """

    def __init__(self, parent: Registry | None = None, types: Types | None = None) -> None:
        self._parent = parent
        self._types: Types = types or {}
        self._by_type: dict[int, Entry] = {}  # by `id`: classes may be equal that are not one
        self._replaced: dict[str, type] = {}
        self._by_name: dict[str, Entry] = {}

    def of_type(self, cls: type) -> Entry | None:
        """How to write an instance. A registered class wins over one of an annotation."""
        entry = self._parent.of_type(cls) if self._parent else None
        return entry or self._supported(cls) or self._by_type.get(id(cls))

    def _supported(self, cls: type) -> Entry | None:
        named = support_of(self._types, cls)
        return None if named is None else supported_entry(*named)

    def of_name(self, name: str, tag: Tag) -> Entry | None:
        """How to read a value of the kind `tag` that was stored under `name`."""
        replaced = self._replaced.get(name)
        if replaced is not None and leads_back(replaced):
            return None  # it was not defined again: another class took its name
        entry = self._by_name.get(name)
        if entry is not None and entry.tag is tag:
            return entry
        if tag is SUPPORTED and name in self._types:
            return supported_entry(name, self._types[name])
        return self._parent.of_name(name, tag) if self._parent else None

    def class_of_name(self, name: str) -> type | None:
        """The class of the program with this name, of any kind."""
        known = self._by_name.get(name)
        entry = known and self.of_name(name, known.tag)
        if entry is not None:
            return entry.cls
        return self._parent.class_of_name(name) if self._parent else None

    def names(self, name: str) -> bool:
        """Whether there is a class of any kind under `name`."""
        known = name in self._by_name or name in self._types
        return known or (self._parent is not None and self._parent.names(name))

    def add(self, entry: Entry) -> None:
        """Vouch for one more class.

        Raises:
            ConfigError: another class has the name.
        """
        self._check_name(entry)
        old = self._by_name.get(entry.name)
        if old is not None:  # the class was defined again: the old one has no name any more
            self._by_type.pop(id(old.cls), None)
            if old.cls is not entry.cls:
                self._replaced[entry.name] = old.cls
        self._by_name[entry.name] = entry
        self._by_type[id(entry.cls)] = entry

    def _check_name(self, entry: Entry) -> None:
        old = self._by_name.get(entry.name)
        if old is not None and not _same(old.cls, entry.cls):
            raise ConfigError(
                f"the name {entry.name!r} stands for {qualified(old.cls)} already, so it can't "
                f"stand for {qualified(entry.cls)} as well: give one of them another name="
            )
        if self._parent:
            self._parent._check_name(entry)


def qualified(cls: type) -> str:
    """The name of a class in messages and, unless it is given another, in stored bytes.

    A script's class has the same name if the script is run, imported, or spawned.
    """
    return identifier_of(cls)


def _same(old: type, new: type) -> bool:
    """Whether both are one class, or one that was defined again (a cell, a reloaded module).

    Then the name leads to the new one; to the old one while a decorator of the new one runs. It
    leads to neither if a function made both, as `create_model` does.
    """
    if old is new:
        return True
    return qualified(old) == qualified(new) and bool(leads_back(new) or leads_back(old))
