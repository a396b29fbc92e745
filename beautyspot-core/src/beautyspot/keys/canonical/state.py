"""The state of an object, and which classes have none that can be read.

An object counts by its class and by all that is in its ``__dict__`` and slots: the fields of a
dataclass or an attrs class as one JSON object, and further attributes, if there are any, as a
second one. Values of cached properties count where they were assigned: see `computed`.
"""

from __future__ import annotations

from contextlib import suppress
from types import GetSetDescriptorType, MemberDescriptorType
from typing import TYPE_CHECKING, Any, Final

from beautyspot.contracts.types import class_name
from beautyspot.errors import UnstableKeyError
from beautyspot.functions.names import identifier_of, is_python_class, root_of
from beautyspot.keys.canonical.computed import assigned, lazy
from beautyspot.keys.canonical.text import quote, tag
from beautyspot.keys.canonical.walk import ATTRIBUTE, Without, described, failed
from beautyspot.messages import less_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from beautyspot.contracts import TypeSupport
    from beautyspot.keys.canonical.walk import Form, Walk

_POINTER: Final = tuple.__itemsize__

NOTHING: Final = "{}"
_CACHED_HASH: Final = "_attrs_cached_hash"  # of attrs; hashes of text differ between processes

_USED_UP: Final = ("__next__", "__anext__", "__await__")
"""Methods of iterators and awaitables: using one changes it, so no two calls with it are equal."""

_LIVE: Final = frozenset(
    {
        "asyncio", "concurrent", "contextvars", "multiprocessing", "queue", "selectors", "socket",
        "socketserver", "sqlite3", "ssl", "subprocess", "tempfile", "threading", "weakref",
        "_weakrefset",
    }
)  # fmt: skip
"""Modules whose objects belong to the running process, even if they are written in Python."""


def _none(_name: str) -> bool:
    return False


def is_used_up(kind: type) -> bool:
    """Whether its instances are iterators or awaitables."""
    return any(hasattr(kind, name) for name in _USED_UP)


def is_live(kind: type) -> bool:
    """Whether its instances belong to the running process: locks, queues, connections."""
    return not _LIVE.isdisjoint([root_of(base.__module__) for base in kind.__mro__])


def unreadable(walk: Walk, value: object) -> str:
    """The form of classes without a stable form: refuses, or leaves out."""
    return walk.left_out(value) or walk.refuse(value)


def plain_object(walk: Walk, value: object) -> str:
    """Class and state."""
    return tag("object", f"[{walk.named(type(value))},{state(walk, value, object)}]")


class SubclassForm:
    """The form of a subclass: its class, the form of its base, and the state that it adds."""

    __slots__ = ("_base", "_form")

    def __init__(self, base: type, form: Form) -> None:
        self._base = base
        self._form = form

    def __call__(self, walk: Walk, value: object) -> str:
        """Write `value`."""
        own = state(walk, value, self._base)
        return tag("sub", f"[{walk.named(type(value))},{self._form(walk, value)},{own}]")


class SupportedForm:
    """The form of a class that a plug-in supports.

    It writes the class, the name of the plug-in's types (two may say the same of unequal values),
    what the plug-in says of the value, and what a program has set on it.
    """

    __slots__ = ("_base", "_by", "_counted_as", "_is_own", "_key", "_name", "_slots")

    def __init__(self, support: TypeSupport, kind: type, name: str) -> None:
        self._base = next(base for base in kind.__mro__ if class_name(base) == name)
        self._counted_as = support.counted_as(kind)
        self._key = support.key
        self._by = quote(support.name)
        self._name = quote(identifier_of(kind)) if support.by_name else None
        self._is_own = support.own_names(kind) if defines_state(kind) else None
        self._slots = _has_slots(kind, self._base)

    def __call__(self, walk: Walk, value: object) -> str:
        """Write `value`."""
        try:
            key = self._key(value)
        except UnstableKeyError as error:
            path, why = walk.path(), less_secrets(str(error))
            message = f"{less_secrets(path[:200])} is {described(value)}, which {why}"
            raise UnstableKeyError(message, path=path) from error
        except Exception as error:
            raise failed(walk, value, self._key, error) from error
        name = self._name or walk.named(self._counted_as)
        text = f"{name},{self._by},{walk.at('<key>', '', key)}"
        if self._is_own is not None and (own := self._set_on(walk, value, self._is_own)) != NOTHING:
            text = f"{text},{own}"
        return f'{{"$key":[{text}]}}'  # `tag`, not called

    def _set_on(self, walk: Walk, value: object, is_own: Callable[[str], object]) -> str:
        if not self._slots and all(map(is_own, _own_dict(walk, value))):
            return NOTHING
        return attributes(walk, value, held(walk, value, self._base, is_own))


def state(walk: Walk, value: object, base: type) -> str:
    """The JSON object of the attributes that `value` has beyond those of `base`.

    If there are attributes beside the fields, a comma and a second object follow. So it has to be
    the last part of a form: a part behind it could be mistaken for that second object.
    """
    kind = type(value)
    members = held(walk, value, base)
    names = _fields(kind)
    if names is None:
        return attributes(walk, value, members)
    fields = {name: getattr(value, name) for name in names if hasattr(value, name)}
    for name in names:
        members.pop(name, None)
    text = attributes(walk, value, fields)
    beside = attributes(walk, value, members) if members else NOTHING
    return text if beside == NOTHING else f"{text},{beside}"


def attributes(walk: Walk, value: object, members: dict[Any, Any]) -> str:
    """The JSON object of `members`, less what a `Without` leaves out of `value`."""
    paths = walk.less(value)
    if paths:
        members = {
            name: _less(name, item, paths)
            for name, item in members.items()
            if _plain(name) not in paths
        }
    return walk.mapping(members, ATTRIBUTE)


def used_up(walk: Walk, value: object) -> str:
    """The form of iterators and awaitables: refuses, or leaves out."""
    advice = "await it, and pass what it gives"
    if not hasattr(type(value), "__await__"):
        advice = "pass a list of its items"
    return walk.left_out(value) or walk.refuse(value, "is used up when it is read", advice)


def _less(name: str, item: object, paths: tuple[str, ...]) -> object:
    inner = tuple(path[len(name) + 1 :] for path in paths if path.startswith(f"{name}."))
    return Without(item, inner) if inner else item


def held(
    walk: Walk, value: object, base: type, inner: Callable[[str], object] = _none
) -> dict[Any, Any]:
    """The attributes in the slots of all classes that `base` is not, and in the ``__dict__``.

    What an attribute of that name in a subclass hides is there as well, under a pair of the name
    and a number. Values of cached properties are left out.

    Args:
        walk: the walk that writes `value`.
        value: any object.
        base: a class of `value`.
        inner: whether a name is one that the library itself uses.
    """
    members = {n: item for n, item in _all_held(walk, value, base) if not inner(_plain(n))}
    functions = {name: lazy(type(value), name) for name in members}
    computed = {name: (members[name], each) for name, each in functions.items() if each is not None}
    if computed:
        kept = {} if walk.passes_over(value) else assigned(walk, value, computed)
        members = {n: item for n, item in members.items() if n not in computed or n in kept}
    return members


def _has_slots(kind: type, base: type) -> bool:
    """Whether classes that `base` is not give their instances slots."""
    added = [owner for owner in kind.__mro__ if owner not in base.__mro__]
    items = [item for owner in added for item in vars(owner).values()]
    return any(type(item) is MemberDescriptorType for item in items)


def _all_held(walk: Walk, value: object, base: type) -> Iterator[tuple[Any, Any]]:
    kind, names = type(value), list[str]()
    for owner in [each for each in kind.__mro__ if each not in base.__mro__]:
        for name, slot in vars(owner).items():
            if type(slot) is MemberDescriptorType and name != _CACHED_HASH:
                names.append(name)
                with suppress(AttributeError):  # it was never set
                    item = slot.__get__(value, kind)
                    # Of a class in C, None is what was not set. Other Pythons may not have it.
                    if item is not None or is_python_class(owner):
                        yield _among(name, names), item
    for name, item in _own_dict(walk, value).items():
        if name != _CACHED_HASH:
            names.append(name)
            yield _among(name, names), item


def _among(name: str, names: list[str]) -> str | tuple[str, int]:
    """The name, with a number where a subclass has an attribute of that name, too."""
    count = names.count(name)
    return name if count == 1 else (name, count)


def _plain(name: Any) -> Any:
    return name[0] if type(name) is tuple else name


def _own_dict(walk: Walk, value: object) -> dict[str, Any]:
    """The ``__dict__`` itself, whatever the class makes of the name or of `__getattribute__`."""
    kind = type(value)
    for base in kind.__mro__:
        found: Any = base.__dict__.get("__dict__")
        if type(found) in (GetSetDescriptorType, MemberDescriptorType):
            own: dict[str, Any] = found.__get__(value)
            return own
    if kind.__dictoffset__ != 0:
        walk.refuse(value, "hides its __dict__")
    return {}


def _fields(kind: type) -> list[str] | None:
    """The fields of a class that itself is a dataclass or an attrs class; None of any other.

    None also with an `InitVar`, which may have gone into attributes that are not fields.
    """
    own = vars(kind)
    if "__attrs_attrs__" in own:
        return [field.name for field in own["__attrs_attrs__"]]
    fields = own.get("__dataclass_fields__")
    if fields is None or any(
        _kind_of_field(field) == "_FIELD_INITVAR" for field in fields.values()
    ):
        return None
    return [name for name, field in fields.items() if _kind_of_field(field) == "_FIELD"]


def _kind_of_field(field: Any) -> str:
    return str(field._field_type)  # `dataclasses.fields` does not show the others


def has_hidden_state(kind: type, base: type = object) -> bool:
    """Whether instances hold more than their attributes show, as those of extension types do."""
    added = kind.__mro__[: kind.__mro__.index(base)]
    return not all(map(is_python_class, added)) or is_larger(kind, base)


def is_larger(kind: type, base: type) -> bool:
    """Whether instances are larger than those of `base` with the attributes that `kind` adds.

    Computed as `object.__reduce_ex__` finds out what it can't copy (Objects/typeobject.c): an
    instance is as large as a bare object, its slots, and the pointers to its ``__dict__`` and its
    weak references, if these are not in front of it.
    """
    slots = sum(
        type(item) is MemberDescriptorType
        for owner in kind.__mro__
        if owner not in base.__mro__
        for item in vars(owner).values()
    )
    pointers = slots + (kind.__dictoffset__ != 0) + (kind.__weakrefoffset__ != 0)
    if base is object:
        pointers = slots + (kind.__dictoffset__ > 0) + (kind.__weakrefoffset__ > 0)
    return kind.__basicsize__ > base.__basicsize__ + pointers * _POINTER


def defines_state(kind: type) -> bool:
    """Whether its instances can have attributes; a bare `object()` has only an address."""
    return kind.__dictoffset__ != 0 or any("__slots__" in vars(base) for base in kind.__mro__)
