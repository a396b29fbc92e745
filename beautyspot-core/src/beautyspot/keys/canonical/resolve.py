"""Finds the form of a class.

The forms of the builtin types are known from the start. Those of the standard library and of
pydantic are loaded when the first class of these is met; those of other libraries are a plug-in's.
"""

from __future__ import annotations

import functools
import importlib
import sys
from typing import TYPE_CHECKING, Final

from beautyspot.contracts.types import GET_DATA, NO_DATA, needs_data_plugin, support_of
from beautyspot.functions.by_identity import ByIdentity
from beautyspot.functions.frozen import genuine
from beautyspot.functions.names import root_of
from beautyspot.keys.canonical import callables, containers, refused
from beautyspot.keys.canonical.callables import named_or_refused
from beautyspot.keys.canonical.refused import poses, posing
from beautyspot.keys.canonical.state import (
    SubclassForm,
    SupportedForm,
    defines_state,
    has_hidden_state,
    is_live,
    is_used_up,
    plain_object,
    unreadable,
    used_up,
)

if TYPE_CHECKING:
    from beautyspot.contracts.types import Types
    from beautyspot.keys.canonical.walk import Form, Walk

_FORMS: Final[dict[type, Form]] = {**containers.FORMS, **callables.FORMS}
"""Forms of a type itself; a subclass has the `SubclassForm` of it."""

_FAMILIES: Final[dict[type, Form]] = {**containers.FAMILIES, **callables.FAMILIES}
"""Forms of a type and its subclasses, which write class and state themselves."""

_STANDARD: Final = (
    "array", "collections", "dataclasses", "datetime", "decimal", "enum", "fractions", "ipaddress",
    "logging", "operator", "pathlib", "random", "re", "string", "types", "uuid", "zoneinfo",
)  # fmt: skip

_MODULES: Final = {
    **dict.fromkeys(_STANDARD, "beautyspot.keys.canonical.standard"),
    **dict.fromkeys(("pydantic", "pydantic_core"), "beautyspot.keys.canonical.pydantic_forms"),
}
"""Top-level module -> our module with the forms of its classes."""

_known: Final[ByIdentity[Form]] = ByIdentity()


def has_own_form(module: str) -> bool:
    """Whether beautyspot itself has forms of classes of a module, given its dotted name."""
    root = root_of(module)
    own = (*containers.FORMS, *callables.FORMS, *containers.FAMILIES, *callables.FAMILIES)
    return root in _MODULES or any(root == cls.__module__ for cls in own)


class Forms:
    """Finds the form of a class.

    Args:
        types: those that plug-ins support.
    """

    __slots__ = ("_known", "_types")

    def __init__(self, types: Types) -> None:
        self._types = types
        self._known: ByIdentity[Form] = ByIdentity()

    def __call__(self, kind: type) -> Form:
        """The form of the instances of `kind`."""
        found = _FORMS.get(kind) or self._known.get(kind)  # no plug-in can claim one of the first
        return found or self._known.put(kind, self._find(kind))

    def _find(self, kind: type) -> Form:
        named = support_of(self._types, kind)
        if named is not None:
            return SupportedForm(named[1], kind, named[0])
        if needs_data_plugin(self._types, kind):
            return _without_data
        return _known.get(kind) or _known.put(kind, _find(kind))


form_of: Final = Forms({})


def _without_data(walk: Walk, value: object) -> str:
    walk.refuse(value, NO_DATA, GET_DATA)


def _find(kind: type) -> Form:
    if poses(kind):  # of these, what wrapt makes of a named function is that function
        wraps = any(base.__name__ == "FunctionWrapper" for base in kind.__mro__)
        return named_or_refused if wraps else posing
    for base in kind.__mro__:
        _load(str(base.__module__))
    # Families first: an `IntEnum` is an enum, although `int` precedes `Enum` in its bases.
    for base in kind.__mro__:
        if base in _FAMILIES:
            return _FAMILIES[base]
    for base in kind.__mro__:
        if base in _FORMS:
            return _FORMS[base] if base is kind else _form_of_subclass(kind, base)
    return _form_of_object(kind)


def _form_of_subclass(kind: type, base: type) -> Form:
    if genuine(kind) is not kind:  # a frozen time
        return _FORMS[genuine(kind)]
    return named_or_refused if has_hidden_state(kind, base) else SubclassForm(base, _FORMS[base])


@functools.cache
def _load(module_name: str) -> None:
    """Add the forms of a library, as far as the program has imported it by now."""
    root = root_of(module_name)
    _FAMILIES.update(_found(root, refused.FAMILIES))
    name = _MODULES.get(root)
    if name is not None:
        module = importlib.import_module(name)
        _FORMS.update(_found(root, getattr(module, "FORMS", {})))
        _FAMILIES.update(_found(root, getattr(module, "FAMILIES", {})))


def _found(root: str, forms: dict[str, Form]) -> dict[type, Form]:
    """The forms by class in place of ``module:name``; a class that is missing is left out."""
    found: dict[type, Form] = {}
    for path, form in forms.items():
        module, _, name = path.partition(":")
        cls = getattr(sys.modules.get(module), name, None) if root_of(module) == root else None
        if isinstance(cls, type):
            found[genuine(cls)] = form
    return found


def _form_of_object(kind: type) -> Form:
    if is_used_up(kind):
        return used_up
    if has_hidden_state(kind):
        return named_or_refused
    return plain_object if defines_state(kind) and not is_live(kind) else unreadable
