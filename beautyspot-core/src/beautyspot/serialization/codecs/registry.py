"""The classes that the program vouched for: by name for restoring, by type for storing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beautyspot.contracts.types import support_of
from beautyspot.errors import ConfigError
from beautyspot.functions.names import module_name
from beautyspot.serialization.codecs.custom import SUPPORTED, supported_entry

if TYPE_CHECKING:
    from beautyspot.contracts.types import Types
    from beautyspot.serialization.codecs.contract import Entry, Tag


class Registry:
    """Entries by type and by name. A child sees its parent's too, also those that come later.

    Args:
        parent: wins over what is added here.
        types: those of the plug-ins; win over what is added here and in children.
    """

    def __init__(self, parent: Registry | None = None, types: Types | None = None) -> None:
        self._parent = parent
        self._types: Types = types or {}
        self._by_type: dict[type, Entry] = {}
        self._by_name: dict[str, Entry] = {}

    def of_type(self, cls: type) -> Entry | None:
        """How to write an instance; what was registered wins over an annotation."""
        entry = self._parent.of_type(cls) if self._parent else None
        return entry or self._supported(cls) or self._by_type.get(cls)

    def _supported(self, cls: type) -> Entry | None:
        named = support_of(self._types, cls)
        return None if named is None else supported_entry(*named)

    def of_name(self, name: str, tag: Tag) -> Entry | None:
        """How to read what was stored under `name` as a value of the kind `tag`."""
        entry = self._by_name.get(name)
        if entry is not None and entry.tag is tag:
            return entry
        if tag is SUPPORTED and name in self._types:
            return supported_entry(name, self._types[name])
        return self._parent.of_name(name, tag) if self._parent else None

    def names(self, name: str) -> bool:
        """Whether something is vouched for under `name`, of any kind."""
        known = name in self._by_name or name in self._types
        return known or (self._parent is not None and self._parent.names(name))

    def add(self, entry: Entry) -> None:
        """Vouch for one more class.

        Raises:
            ConfigError: another class has the name.
        """
        self._check_name(entry)
        old = self._by_name.get(entry.name)
        if old is not None:  # of a class that was defined anew: the old one is no longer it
            self._by_type.pop(old.cls, None)
        self._by_name[entry.name] = entry
        self._by_type[entry.cls] = entry

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
    """What a class is called in messages and, unless it is given a name, in stored bytes.

    A script's class has one name, be the script run, imported, or spawned by multiprocessing.
    """
    return f"{module_name(cls.__module__)}:{cls.__qualname__}"


def _same(old: type, new: type) -> bool:
    """One class, or one edited and defined anew (a notebook's cell, a reloaded module)."""
    return old is new or (qualified(old) == qualified(new) and "<locals>" not in new.__qualname__)
