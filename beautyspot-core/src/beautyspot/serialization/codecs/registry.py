"""The classes for which the program vouches: by type for storing, by name for restoring.

Here are, too, the codecs of classes with functions that write and read them, of the program or of a
plug-in. For a class that a plug-in supports, the stored value has its name in
`TypeSupport.classes`, behind a space the exact class, if that is another one, the name of the
support, and what `encode` returned. Nothing is imported by these names: they select an installed
support, whose `decode` makes the value.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from beautyspot.contracts.types import (
    GET_DATA,
    NO_DATA,
    OF_DATA,
    Buffer,
    class_name,
    support_of,
)
from beautyspot.errors import ConfigError, RestoreError, SerializationError
from beautyspot.functions.by_identity import ByIdentity
from beautyspot.functions.names import identifier_of, leads_back
from beautyspot.messages import error_shown, less_secrets
from beautyspot.serialization.codecs.contract import Entry, Refused, Tag, class_tag

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.contracts.types import Types, TypeSupport
    from beautyspot.serialization.codecs.contract import Read, Write

    Encode = Callable[[Any], object]
    Decode = Callable[[Any], Any]

REGISTERED: Final = class_tag(66)


class Encoded(NamedTuple):
    """What the `encode` of a registered class has made of an instance.

    Attributes:
        name: of the class.
        form: what it made.
        title: the class as messages call it.
    """

    name: str
    form: object
    title: str


def registered_entry(cls: type, name: str, encode: Encode, decode: Decode) -> Entry:
    """How a program's functions write and read the instances of a class."""
    writer = partial(_encode_registered, encode)
    return Entry(cls, name, REGISTERED, writer, partial(_decode_registered, cls, decode), (object,))


def _encode_registered(encode: Encode, value: object, write: Write) -> list[object]:
    form = _encoded(encode, "its encode=", value)
    return [write.value(form, f".<encoded {type(value).__qualname__}>")]


def encoded_form(entry: Entry, value: object) -> object:
    """What the `encode` of a registered class makes of an instance.

    Raises:
        Refused: it refuses the instance, or failed.
    """
    writer: Any = entry.encode  # the partial above
    return _encoded(writer.args[0], "its encode=", value)


def _decode_registered(cls: type, decode: Decode, form: Any) -> object:
    value = decode(form)
    if type(value) is not cls:
        raise RestoreError(f"decode= of {cls.__qualname__} gave a {type(value).__qualname__}")
    return value


_FORM, _LIST, _BUFFERED = 0, 1, 2
"""How a form is stored: as it is, as the items of a list, or so with a `Buffer` for the last."""


def _encode_supported(support: TypeSupport, value: Any, write: Write) -> list[object]:
    form = _encoded(support.encode, f"{_title(support)}.encode", value)
    own_names = support.own_names(type(value))
    own = [n for n in getattr(value, "__dict__", ()) if own_names is not None and not own_names(n)]
    if own:
        raise Refused(f"it carries attributes of its own ({', '.join(own)}): return them beside it")
    step = f".<encoded {type(value).__qualname__}>"
    if type(form) is not list:
        return [support.name, _FORM, write.value(form, step)]
    if not form or type(form[-1]) is not Buffer:
        return [support.name, _LIST, *write.items(form, step + "[{}]")]
    *items, buffer = form
    written = write.items(items, step + "[{}]")
    return [support.name, _BUFFERED, *written, write.buffer(buffer.size, buffer.fill)]


def _decode_supported(parts: list[Any], read: Read) -> object:
    if parts[2] == _BUFFERED:
        parts[-1] = read.buffer(parts[-1])
    names, by, how, *form = parts
    name, _, exact = names.partition(" ")
    support = read.types.get(name)
    if support is None:
        raise _unsupported(name)
    if by != support.name:
        raise RestoreError(
            f"a {name} was stored by the types {by!r}, and is now {support.name!r}'s"
        )
    try:
        value = support.decode(form if how else form[0])
    except ImportError:  # said with what to install
        raise
    except Exception as error:
        raise RestoreError(f"{_title(support)}.decode raised {error_shown(error)}") from error
    cls = type(value)
    if f"{cls.__module__}:{cls.__qualname__}" != (exact or name):  # `class_name`, not called
        raise RestoreError(
            f"{_title(support)}.decode gave a {class_name(cls)} in place of a {exact or name}"
        )
    return value


def _unsupported(name: str) -> RestoreError:
    if name.partition(":")[0].partition(".")[0] in OF_DATA:
        return RestoreError(f"a {name} {NO_DATA}: {GET_DATA}")
    return RestoreError(f"a {name} is stored: install the plug-in that stored it")


SUPPORTED: Final = Tag(68, _decode_supported)


def _encoded(encode: Encode, title: str, value: object) -> object:
    try:
        return encode(value)
    except SerializationError as error:  # the function refuses the value, and says why
        raise Refused(f"a {type(value).__qualname__} {less_secrets(str(error))}") from error
    except Exception as error:
        raise Refused(f"{title} raised {error_shown(error)}: correct the function") from error


def _title(support: TypeSupport) -> str:
    return class_name(type(support)).replace(":", ".")


class Registry:
    """Entries by type and by name. A child has those of its parent too, also later ones.

    Args:
        parent: its entries win over those that are added here.
        types: those of the plug-ins; they win over what is added here and in children.

    Attributes:
        types: those of the plug-ins, also of the parent.
    """

    def __init__(self, parent: Registry | None = None, types: Types | None = None) -> None:
        self._parent = parent
        self.types: Types = types or (parent.types if parent else {})
        self._types: Types = types or {}
        self._supported: ByIdentity[tuple[Entry | None]] = ByIdentity()
        self._by_type: dict[int, Entry] = {}  # by `id`: classes may be equal that are not one
        self._replaced: dict[str, type] = {}
        self._by_name: dict[str, Entry] = {}

    def of_type(self, cls: type) -> Entry | None:
        """How to write an instance. A registered class wins over one of an annotation."""
        entry = self._parent.of_type(cls) if self._parent else None
        return entry or self._supported_entry(cls) or self._by_type.get(id(cls))

    def _supported_entry(self, cls: type) -> Entry | None:
        known = self._supported.get(cls)
        if known is not None:
            return known[0]
        named = support_of(self._types, cls)
        entry = None
        if named is not None:
            name, support = named
            exact = class_name(support.counted_as(cls))
            names = name if exact == name else f"{name} {exact}"
            writer = partial(_encode_supported, support)
            entry = Entry(cls, names, SUPPORTED, writer, support.decode, None)
        return self._supported.put(cls, (entry,))[0]

    def of_name(self, name: str, tag: Tag) -> Entry | None:
        """How to read a value of the kind `tag` that was stored under `name`."""
        replaced = self._replaced.get(name)
        if replaced is not None and leads_back(replaced):
            return None  # it was not defined again: another class took its name
        entry = self._by_name.get(name)
        if entry is not None and entry.tag is tag:
            return entry
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
        known = name in self._by_name or name in self.types
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
