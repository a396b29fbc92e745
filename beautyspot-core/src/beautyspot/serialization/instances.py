"""How the instances of a program's classes are taken apart, and made again.

Nothing of the class runs when an instance is made of stored parts, neither its constructor nor a
property nor ``__setattr__``: a bare one is made by the `__new__` of its base in C, and gets what
stands in its slots by their descriptors, and the rest in its `__dict__`.

The parts of an instance are the fields by name, further attributes, and what its base in C holds
(the text of a subclass of `str`, the items of one of `list`, the arguments of an exception). A
field that has only the value of the class is noted with that. If the class has other fields by
then, or another such value, or a model keeps something else beside them, nothing is restored.
"""

from __future__ import annotations

import functools
import operator
from contextlib import suppress
from enum import Enum, Flag
from types import (
    FunctionType,
    GetSetDescriptorType,
    MemberDescriptorType,
)
from typing import TYPE_CHECKING, Any, Final

from beautyspot.errors import RestoreError
from beautyspot.functions.names import is_generated
from beautyspot.serialization.classes import (
    ARGS,
    BASE,
    MISSING,
    PLAIN,
    body,
    field_names,
    is_below,
    is_python,
    mro,
    plain_name,
    static,
)
from beautyspot.serialization.codec import ENUM, INSTANCE, SCALARS, Attributes, Refused, codec_of
from beautyspot.serialization.payload import OtherFields

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_TEXT: Final = frozenset({str})
_ITEMS: Final = frozenset({"__iter__", "__len__", "__getitem__"})
_ALIAS: Final = "__orig_class__"  # `Box[int](1)` is given `Box[int]`, which is no value to store
_CACHED_HASH: Final = "_attrs_cached_hash"  # of attrs
_GIVEN: Final = "__pydantic_fields_set__"
_EXTRA: Final = "__pydantic_extra__"
_PRIVATE: Final = "__pydantic_private__"

_FILL: Final[dict[type, Callable[[Any, Any], object]]] = {
    list: list.extend,
    set: set.update,
    dict: dict.update,
    BaseException: lambda error, args: ARGS.__set__(error, tuple(args)),
}
"""How a bare instance is filled; one that can't be changed is made with what it holds."""


class Form:
    """How the instances of one class are taken apart, and made again.

    Attributes:
        cls: the class.
        fields: the names of its fields, less those that are properties, which keep nothing; of a
            named tuple all, which keeps its items itself.
        by_identity: whether an instance equals no other one, and can't come back as two.
    """

    code = INSTANCE

    def __init__(self, cls: Any) -> None:  # noqa: C901 - one rule, read from its top
        """Take a class.

        Raises:
            Refused: no form follows from it; says why if that is not plain to see.
        """
        line, base = mro(cls), cls
        while is_python(base):  # which of several bases says what an instance has in C
            base = BASE.__get__(base)
        self.cls = cls
        self._base: Any = base
        self._kind = BaseException if issubclass(base, BaseException) else base
        self._is_named = base is tuple and static(cls, "_make") is not MISSING
        self.by_identity = base is object and static(cls, "__eq__") is body(object)["__eq__"]
        names = static(cls, "_fields") if self._is_named else field_names(cls)
        hashing = getattr(static(cls, "__hash__"), "__code__", None)
        if hashing is not None and _CACHED_HASH in hashing.co_names:
            raise Refused("keeps its hash, which another process can't know: leave out cache_hash=")
        holds = self._kind in PLAIN and (base is not cls or self._kind is BaseException)
        if not holds and (base is not object or names is None):
            raise Refused("")
        for name in ("__del__", *(_ITEMS if self._is_named else ())):
            if any(name in body(one) for one in line if is_python(one)):
                raise Refused(f"is of a class with a {name} of its own, which must not run")
        self.fields = tuple(
            n for n in names or () if self._is_named or type(static(cls, n)) is not property
        )
        # What is in its slots, and what an exception in C keeps beside its arguments.
        self._members = [
            (name, each)
            for one in reversed(line)
            if is_python(one) or (issubclass(one, BaseException) and one is not BaseException)
            for name, each in body(one).items()
            if type(each) is MemberDescriptorType
            or (type(each) is GetSetDescriptorType and name[:2] != "__")
        ]
        self._slots = dict(self._members)
        self._in_c = {name for name, each in self._members if not is_python(each.__objclass__)}
        found = (body(one).get("__dict__") for one in line)
        self._dict: Any = next((d for d in found if type(d) is GetSetDescriptorType), None)
        if holds:
            try:
                base.__new__(cls)
            except TypeError as error:  # a group of errors, or a type in C, as of `time.gmtime()`
                raise Refused("is of a class that makes none without its parts") from error
        # What an instance of a model has that is not said.
        self._empty = {n: None for n in (_EXTRA, _PRIVATE) if static(cls, n) is self._slots.get(n)}
        beside = [*static(cls, "__private_attributes__")] if self._empty else []
        if self._empty and static(cls, "model_config").get("extra") == "allow":
            beside.append(_EXTRA)
        self._told = [*self.fields, *beside]
        self._in_list = self._is_named or bool(beside)

    def state(self, value: object) -> dict[str, Any]:
        """All attributes of an instance, less what is None of those of an exception in C."""
        state = {} if self._dict is None else self._dict.__get__(value)
        if state is value:
            raise Refused("its items are its attributes, and would be two dicts: return dict(…)")
        state = dict(state)
        for name, member in self._members:
            try:
                item = member.__get__(value)
            except (AttributeError, TypeError):  # not set
                continue
            if name in state:
                raise Refused(f"it has two attributes {name}: rename one")
            state[name] = item
        return {n: x for n, x in state.items() if x is not None or n not in self._in_c}

    def parts(self, value: Any) -> list[Any]:
        """The number of fields; the attributes, fields first.

        Of a named tuple, and a model that keeps more beside its fields, the names of all that stand
        in place of the number; of an instance some fields of which have only the value of the
        class, a dict of all fields with these values, each in a list; of a field that was deleted,
        and has none there either, an empty list. Then what the instance holds, if its class extends
        one in C.

        Raises:
            Refused: an attribute is kept where it can't be read, or set again.
        """
        state = self.state(value)
        told: Any = self._told if self._in_list else len(self.fields)
        if not (self._is_named or state.keys() >= {*self.fields}):
            lacks = {*self.fields} - state.keys()
            told = {n: [static(self.cls, n)] if n in lacks else [] for n in self._told}
            for name, held in told.items():
                if held == [MISSING]:
                    told[name] = [[]]
                elif not all(isinstance(item, Enum) or _is_flat(item) for item in held):
                    raise Refused(
                        f"its field {name} has no value of its own: give it one, or call "
                        f"spot.register({self.cls.__qualname__}, encode=…, decode=…)"
                    )
        own = Attributes({n: state.pop(n) for n in self.fields if n in state})
        parts: list[Any] = [told, own]
        if _GIVEN in state:
            given = sorted(state.pop(_GIVEN))
            state |= {} if given == sorted(own) else {_GIVEN: given}
        for name, item in state.items():
            is_cached = isinstance(static(self.cls, name), functools.cached_property)
            if not (is_cached or name == _ALIAS or (name in self._empty and item is None)):
                own[name] = item
        self._check(own, value)
        return [*parts, PLAIN[self._kind](value)] if self._kind in PLAIN else parts

    def _check(self, attributes: dict[str, Any], value: Any) -> None:
        """Refuse attributes that may do something, or that another process can't know."""
        for name, item in (attributes | (attributes.get(_PRIVATE) or {})).items():
            if self._is_special(name):
                raise Refused(f"it has an attribute {name}, which Python may use: rename it")
            if name[:1] == "_" and "hash" in name and type(item) is int and item == _hash_of(value):
                raise Refused(
                    f"its {name} is a hash, which another process can't know: return it before it "
                    "is hashed, or keep its hash in a functools.cached_property"
                )

    def _is_special(self, name: Any) -> bool:
        """Whether an attribute of this name may do something, or is none that Python would set."""
        is_ours = name == "__notes__" or name in self._slots
        return type(name) is not str or (name[:2] == "__" and not is_ours)

    def make(self, fields: Any, state: Any, content: Any = None) -> Any:  # noqa: C901 - as above
        """The instance of these parts, which may be hostile.

        Raises:
            OtherFields: the class has changed.
            Exception: the parts are damaged.
        """
        names: list[Any] = [*state] if type(state) is dict else [None]
        stored: list[Any] = [*fields] if type(fields) in (list, dict) else [None]
        if type(fields) is int:
            stored = names[:fields]
        told: dict[str, Any] = fields if type(fields) is dict else {}
        alone = {n: held[0] for n, held in told.items() if type(held) is list and held}
        if not _TEXT.issuperset(map(type, [*names, *stored])):
            raise RestoreError("an instance without named attributes: the data are damaged")
        there = {
            n
            for n, item in alone.items()
            if _is_same(MISSING if type(item) is list else item, static(self.cls, n))
        }
        lacks = () if self._is_named else {*self.fields} - state.keys()
        if stored != self._told or there != {*lacks}:
            others = {*self._told} ^ {*stored} | alone.keys() ^ there
            changed = ", ".join(sorted(others)) or "in another order"
            name = plain_name(self.cls)
            raise OtherFields(f"{name} has other fields than when it was stored: {changed}")
        for name in names:
            if self._is_special(name):
                raise RestoreError(f"an attribute {name:.80}: the data are damaged")
        is_bare, fill = self._base is object, _FILL.get(self._kind)
        wanted = list if self._kind is BaseException else self._kind
        is_held = content is None if is_bare else type(content) is wanted
        if not is_held or (self._is_named and len(content) != len(self.fields)):
            raise RestoreError("an instance of another content than its class has: it has changed")
        value = self._base.__new__(self.cls, *(() if is_bare or fill else (content,)))
        if fill is not None:
            fill(value, content)
        state = {**self._empty, **state}
        if _GIVEN in self._slots:
            given = state.get(_GIVEN)
            said = given if type(given) is list else self.fields
            state[_GIVEN] = {name for name in said if type(name) is str}
        for name in self._slots.keys() & state.keys():
            self._slots[name].__set__(value, state.pop(name))
        if state:
            self._dict.__set__(value, state)
        return value


def _hash_of(value: object) -> int | None:
    with suppress(Exception):  # it has none
        return hash(value)
    return None


def passes_for(cls: type, form: Any) -> bool:
    """Whether a class is below that of a form, with its fields, and no other methods of its names.

    Raises:
        Refused: no form follows from the class.
    """
    above = form.cls
    return (
        is_below(cls, above)
        and type(form) is Form
        and form.fields == Form(cls).fields
        and not any(
            static(above, name) is not MISSING and name[:6] != "model_"  # as pydantic adds some
            for base in mro(cls)
            if not is_below(above, base)
            for name, each in body(base).items()
            if type(each) is property or (type(each) is FunctionType and not is_generated(each))
        )
    )


class PromisedForm(Form):
    """The same for instances of a class that bears this one's name, as which they are stored.

    Of what such a class keeps beside the fields, under names with an underscore, what is no text or
    number is left out: clients of LLMs keep a `_request_id` there, and instructor all of an answer.
    """

    def state(self, value: object) -> dict[str, Any]:
        """See the base class."""
        known = (*self.fields, *self._slots)
        return {
            n: x
            for n, x in super().state(value).items()
            if n[:1] != "_" or n in known or type(x) in SCALARS
        }


class EnumForm:
    """The same of an enum: its members by their names, a flag of several by those of its bits.

    Beside the name stands the value, if its text tells it, to notice that it is another by then.
    """

    code = ENUM

    def __init__(self, cls: type) -> None:
        self.cls = cls
        self._members: Mapping[str, Any] = body(cls).get("_member_map_", {})
        self._composes = static(cls, "_missing_") is body(Flag)["_missing_"]
        if not self._members:
            raise Refused("")

    def parts(self, value: Any) -> list[Any]:
        """The name of a member, or those of bits, and the value."""
        name: Any = object.__getattribute__(value, "_name_")
        if self._composes and self._members.get(name) is not value:
            name = [one._name_ for one in Flag.__iter__(value)]
        if self._member(name) is not value:
            raise Refused("it is no member or flag that its class defines: return its value")
        return [name, *self._value(value)]

    def make(self, name: Any, *stored: Any) -> Any:
        """The member of these parts."""
        member = self._member(name)
        is_flat = member is not None and all(map(_is_flat, stored))
        if not is_flat or repr(self._value(member)) != repr([*stored]):
            raise RestoreError(
                f"{plain_name(self.cls)} has other members or values than when it was stored"
            )
        return member

    def _member(self, name: Any) -> Any:
        """The member of a name; of several, the flag that has the bits of all; None without one."""
        is_several = type(name) is list and self._composes
        names: list[Any] = name if is_several else [name]
        if not _TEXT.issuperset(map(type, names)) or not self._members.keys() >= {*names}:
            return None
        if not is_several:
            return self._members[names[0]]
        bits = [object.__getattribute__(self._members[each], "_value_") for each in names]
        return Enum.__new__(self.cls, functools.reduce(operator.or_, bits, 0))

    def _value(self, member: Any) -> list[Any]:
        value = object.__getattribute__(member, "_value_")
        return [value] if _is_flat(value) else []


def _is_flat(value: Any) -> bool:
    """Whether its text tells all of a value, the same in each process; of a set it does not."""
    kind = type(value)
    if kind is list or kind is dict:
        return all(map(_is_flat, [*value, *value.values()] if kind is dict else value))
    codec = None if kind in (set, frozenset) else codec_of(kind)
    return kind in SCALARS or (codec is not None and all(map(_is_flat, codec.encode(value))))


def _is_same(item: Any, other: Any) -> bool:
    """Whether a value that was stored is another one, as far as no code of the program says so."""
    return item is other or (_is_flat(item) and _is_flat(other) and repr(item) == repr(other))


def form_of(cls: type) -> Form | EnumForm:
    """How instances of a class are taken apart.

    Raises:
        Refused: see `Form`.
    """
    return EnumForm(cls) if is_below(cls, Enum) else Form(cls)
