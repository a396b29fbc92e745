"""The attributes of an instance: what is in its `__dict__` and its slots, and nothing else.

They are read and written there, so that neither a property nor ``__setattr__`` or ``__getattr__``
of the class is called: one that changes what it is given would be applied twice.
"""

from __future__ import annotations

import dataclasses
import inspect
from functools import cached_property
from types import MemberDescriptorType
from typing import TYPE_CHECKING, Any, Final

from beautyspot.errors import RestoreError
from beautyspot.functions.names import is_python_class
from beautyspot.serialization.codecs.contract import Refused

if TYPE_CHECKING:
    from beautyspot.serialization.codecs.contract import Write

_CACHED_HASH: Final = "_attrs_cached_hash"  # of attrs; hashes of text differ between processes

_ALIAS: Final = "__orig_class__"  # `Box[int](1)` is given `Box[int]`, which is no value to store


def field_names(cls: type) -> tuple[str, ...] | None:
    """The names of the fields of a dataclass or an attrs class; None for other classes."""
    if dataclasses.is_dataclass(cls):
        return tuple(field.name for field in dataclasses.fields(cls))
    attributes = getattr(cls, "__attrs_attrs__", None)
    return None if attributes is None else tuple(attribute.name for attribute in attributes)


def static(cls: type, name: object) -> object:
    """What stands under a name in a class and its bases, without a call of any descriptor."""
    return inspect.getattr_static(cls, str(name), None)


class Shape:
    """Where the instances of a class have their attributes.

    Attributes:
        cls: the class.
        slots: the descriptors of its slots and of its bases'.
    """

    __slots__ = ("cls", "slots")

    def __init__(self, cls: type) -> None:
        self.cls = cls
        self.slots = {
            name: member
            for base in reversed(cls.__mro__)
            if is_python_class(base)
            for name, member in vars(base).items()
            if type(member) is MemberDescriptorType and not name.startswith("__")
        }

    def __reduce__(self) -> tuple[type[Shape], tuple[type]]:
        return Shape, (self.cls,)  # descriptors can't be pickled

    def state(self, value: object) -> dict[str, Any]:
        """All attributes of an instance."""
        state = dict(getattr(value, "__dict__", ()))
        for name, member in self.slots.items():
            try:
                item = member.__get__(value)
            except AttributeError:  # not set
                continue
            if name in state:
                raise Refused(f"it has two attributes {name}, in a slot and in its __dict__")
            state[name] = item
        return state

    def write(self, state: dict[str, Any], write: Write) -> dict[str, object]:
        """The packable form of the attributes that are no fields.

        Of what a cached property keeps, that which can be stored: it may have been assigned.
        """
        kept = {n: x for n, x in state.items() if isinstance(static(self.cls, n), cached_property)}
        others = {
            name: None if name == _CACHED_HASH else item
            for name, item in state.items()
            if name not in kept and name != _ALIAS
        }
        return {**write.attributes(others), **write.storable(kept)}

    def set(self, value: object, state: dict[Any, Any]) -> None:
        """Give an instance these attributes."""
        if not self.slots:
            vars(value).update(state)
            return
        for name, item in state.items():
            member = self.slots.get(name)
            if member is None:
                vars(value)[name] = item
            else:
                member.__set__(value, item)

    def set_further(self, value: object, state: dict[Any, Any]) -> None:
        """Set attributes that are not fields; never one that Python uses, such as ``__class__``."""
        special = [name for name in state if name[:2] == "__" and name != "__notes__"]
        if special:
            raise RestoreError(f"attributes named {special}")
        if state:
            self.set(value, state)
