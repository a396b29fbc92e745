"""Which form has a class.

By one rule: an object counts by its class, by the form of the base that it derives from, and by all
that is in its ``__dict__`` and slots beyond that. A class in C that has no form here is written as
`copyreg` and ``__reduce_ex__`` take it apart. What these refuse is refused, and so is what belongs
to the running process, is used up when it is read, or stands for something else.
"""

from __future__ import annotations

import copyreg
import os
from dis import opmap
from types import CodeType
from typing import TYPE_CHECKING, Any, Final
from weakref import ProxyTypes

from beautyspot.contracts.foreign import foreign
from beautyspot.contracts.storage import File
from beautyspot.contracts.values import NO_DATA, class_name, get_data, needs_data_plugin, support_of
from beautyspot.errors import UnstableKeyError
from beautyspot.functions.identity import is_of_installed
from beautyspot.functions.names import (
    ByIdentity,
    genuine,
    identifier_of,
    innermost_function,
    is_python_class,
    root_of,
)
from beautyspot.keys import callables
from beautyspot.keys.callables import found_by_name, named
from beautyspot.keys.held import UNSET, held_by, is_derived, own_dict, state_of
from beautyspot.keys.standard import FAMILIES, LOCKS, base_form, has_own_form, refusing, rooted
from beautyspot.keys.text import quote, tag
from beautyspot.keys.walk import ADVICE, described
from beautyspot.messages import less_secrets, masked

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.contracts.values import Types, TypeSupport
    from beautyspot.keys.walk import Form, Walk
OWN_KEY: Final = "__beautyspot_key__"
"""A class's method that returns what counts of an instance: a value that has a stable form."""

_LIVE: Final = frozenset(
    {
        "asyncio", "concurrent", "contextvars", "multiprocessing", "queue", "selectors", "socket",
        "socketserver", "sqlite3", "ssl", "subprocess", "tempfile", "threading", "weakref",
        "_weakrefset",
    }
)  # fmt: skip
"""Modules whose objects belong to the running process, even if they are written in Python."""


class Forms:
    """Writes whatever is no flat value, list, tuple or dict.

    Args:
        types: those that plug-ins support.
    """

    __slots__ = ("_known", "_types")

    def __init__(self, types: Types) -> None:
        self._types = types
        self._known: ByIdentity[Form] = ByIdentity()

    def __call__(self, walk: Walk, value: Any) -> str:
        """The text of a value, by what its class says, or else by the form of that."""
        kind = type(value)
        for base in kind.__mro__ if walk.custom else ():
            if id(base) in walk.custom:
                return _keyed(walk, value, walk.custom[id(base)][1])
        own = getattr(kind, OWN_KEY, None)
        if own is not None and any(OWN_KEY in vars(base) for base in kind.__mro__):
            return _keyed(walk, value, own)  # of the class: one of its metaclass is for the class
        form = self._known.get(kind) or self._known.put(kind, _form_of(kind, self._types))
        return form(walk, value)


form_of: Final = Forms({})

_GLOBAL: Final = '{"$global":'


def _form_of(kind: type, types: Types) -> Form:  # noqa: C901 - one rule, read from its top
    found = support_of(types, kind)
    if found is not None:
        return _supported(found[1], kind, found[0])
    told = foreign(kind)
    if told is not None and told.passes:
        return refusing(told.why, f"pass {told.passes}", always=True)
    if needs_data_plugin(types, kind):
        return refusing(NO_DATA, get_data())
    if any(kind is proxy for proxy in ProxyTypes) or any(
        "__class__" in vars(base) for base in kind.__mro__ if base is not object
    ):
        why = "stands for another object"
        return refusing(why, f"pass that object itself, {ADVICE}", always=True)
    kind = genuine(kind)  # a frozen time is one as any other
    names = [f"{base.__module__}:{base.__qualname__}" for base in kind.__mro__]
    for base, name in zip(kind.__mro__, names, strict=True):
        family = callables.FAMILIES.get(base) or FAMILIES.get(name)
        if family is not None:
            return family
    exact = base_form(kind)
    if exact is not None and (kind.__dictoffset__ == 0 or rooted(kind) in LOCKS):
        return exact
    roots = {root_of(base.__module__) for base in kind.__mro__}
    if any(hasattr(kind, name) for name in ("__next__", "__anext__", "__await__")):
        advice = (
            "pass a list of its items; of a file its path, with key={…: KeyGen.from_file_content}, "
            "or what read() gives; of what is awaited the result"
        )
        return refusing("is used up when it is read", advice)
    if kind is object or not _LIVE.isdisjoint(roots):
        return refusing()
    is_error = issubclass(kind, BaseException)
    root: Any = next(
        base
        for base in kind.__mro__
        if base_form(base)
        or not (is_python_class(base) or (is_error and base.__module__ == "builtins"))
    )
    if is_error and root is not BaseException and root.__reduce__ is BaseException.__reduce__:
        return refusing()  # what it holds in C stands in no attribute
    whole = _object_of(root, None if root is object else base_form(root) or _reduced(root))
    # A model counts by its fields: its copies hold what its cached properties computed.
    if is_error or "pydantic" in roots or not any(map(says_how_to_copy, kind.__mro__)):
        return whole
    return _copied(kind, whole)


def _object_of(base: type, inner: Form | None) -> Form:
    """The form of an object: its class, what it holds beyond a base, and the form of that base."""

    def write(walk: Walk, value: object) -> str:
        content = "" if inner is None else inner(walk, value)
        if content.startswith(_GLOBAL):  # a name leads to it
            return content
        own = state_of(walk, value, base)
        if own == "{}" and type(value) is base and base_form(base) is not None:
            return content
        text = f"{named(walk, type(value))},{own}"
        return tag("object", f"[{text},{content}]" if content else f"[{text}]")

    return write


def _apart(reduce: Callable[[Any], Any], parts: Callable[..., str], otherwise: Form) -> Form:
    """The form of what is taken apart as `copy` and `pickle` do.

    Args:
        reduce: takes a value apart.
        parts: writes a value, given its items, what makes it, the arguments of that, and a state.
        otherwise: writes what can't be taken apart.
    """

    def write(walk: Walk, value: Any) -> str:
        try:
            made: Any = reduce(value)
            items = [None if each is None else [*each] for each in made[3:5]]
        except Exception:
            return otherwise(walk, value)
        if isinstance(made, str):
            return found_by_name(walk, value, made)
        return parts(walk, value, items, *made[:3])

    return write


def _reduced(base: Any) -> Form:
    """The form of a class in C. Its subclasses in Python do not say what counts of it."""

    def parts(
        walk: Walk, value: Any, items: list[Any], function: Any, args: Any, state: Any = None
    ) -> str:
        how = None if function is type(value) else function
        is_beside = state is not None and _is_own(state, own_dict(walk, value))
        return walk.array([how, [*args], None if is_beside else state, *items], "<{}>")

    reduce: Any = copyreg.dispatch_table.get(base)
    if reduce is None:
        is_said = (
            base.__reduce_ex__ is object.__reduce_ex__ and base.__reduce__ is not object.__reduce__
        )
        reduce = base.__reduce__ if is_said else lambda value: base.__reduce_ex__(value, 4)
    return _apart(reduce, parts, refusing())


_COPIES: Final = frozenset(
    {"__reduce_ex__", "__reduce__", "__getstate__", "__getnewargs_ex__", "__getnewargs__"}
)
"""The methods by which a class says what of its instances is copied."""

_WHOLES: Final = _COPIES | {"vars", "__dict__"}
"""What gives an object's attributes without naming them."""

_NEW: Final = object().__reduce_ex__(4)[0]
"""What makes a bare instance of a class."""


def says_how_to_copy(cls: type) -> bool:
    """Whether it is an installed package's class, that says so itself."""
    is_said = not _COPIES.isdisjoint(vars(cls)) and is_python_class(cls)
    return is_said and is_of_installed(cls) and not has_own_form(cls.__module__)


_STORE_ATTR: Final = opmap["STORE_ATTR"]
_sets: Final[ByIdentity[list[str]]] = ByIdentity()
"""The attributes that the methods of a class set."""


def _methods_of(cls: type) -> list[CodeType]:
    methods = [innermost_function(each) for each in vars(cls).values()]
    return [each.__code__ for each in methods if each is not None]


def _set_by(cls: type) -> list[str]:
    return [
        code.co_names[number]  # of two bytes, by which Python writes an instruction
        for code in _methods_of(cls)
        for step, number in zip(code.co_code[::2], code.co_code[1::2], strict=True)
        if step == _STORE_ATTR
    ]


def _named_by(cls: type) -> set[str]:
    """All names that stand in the body of a class, and the texts that may be names."""
    found, codes = {*vars(cls)} - {"__dict__"}, _methods_of(cls)
    for code in codes:  # which grows
        found.update(code.co_names, [each for each in code.co_consts if type(each) is str])
        codes.extend([each for each in code.co_consts if type(each) is CodeType])
    return found


def _copied(cls: Any, whole: Form) -> Form:
    """The form of a class whose package says how it is copied: less what that computes again.

    Such are caches, histories and hashes, which a call may change. `whole` writes what can't be
    copied, an object that `ignore=` leaves parts out of, and one with an attribute that is not
    copied, if no code of the package sets it: the program has. Or if the object's class is the
    program's, and names that attribute, or asks for all.
    """
    bases = {*cls.__mro__, *type(cls).__mro__}
    own = {base for base in bases if not (is_of_installed(cls) or is_of_installed(base))}
    theirs = {
        name for base in bases - own for name in _sets.get(base) or _sets.put(base, _set_by(base))
    }
    named_here = {name for base in own - {object, type} for name in _named_by(base)}
    theirs = theirs - named_here if _WHOLES.isdisjoint(named_here) else set()

    def parts(
        walk: Walk, value: Any, items: list[Any], function: Any, args: Any, state: Any = None
    ) -> str:
        kind = type(value)
        copied = state if type(state) is dict else {}
        names = {name for name, item in held_by(walk, value, object) if item is not UNSET}
        if not names <= copied.keys() | theirs:
            return whole(walk, value)
        if function is _NEW and args == (kind,) and type(state) is dict and not any(items):
            held = {n: x for n, x in state.items() if not is_derived(walk, value, n, x)}
            return tag("object", f"[{named(walk, kind)},{walk.attributes(value, held)}]")
        if walk.less(value) or not is_of_installed(kind):
            return whole(walk, value)
        return tag("copied", walk.array([function, [*args], state, *items], "<{}>"))

    return _apart(lambda value: value.__reduce_ex__(4), parts, whole)


def _is_own(state: Any, own: dict[str, Any]) -> bool:
    """Whether a state is the ``__dict__``, or a pair of that and what is in slots."""
    if type(state) is tuple and len(state) == 2 and type(state[1]) is dict:
        state = state[0] or {}
    return type(state) is dict and [*map(id, state.values())] == [*map(id, own.values())]


def _keyed(walk: Walk, value: Any, function: Callable[[Any], object]) -> str:
    """The class and what a function of the user's says of a value; of a file, once in a run."""
    name = quote(identifier_of(type(value)))
    known = (id(value), os.fspath(value)) if type(value) is File else None
    if known in walk.kept:
        return walk.kept[known]
    key = _asked(walk, value, function)
    walk.definitions.append(type(value))
    text = tag("key", f"[{name},{walk.at('<key>', '', key)}]")
    if known is not None:
        walk.kept[known] = text
    return text


def _asked(walk: Walk, value: object, function: Callable[[Any], object]) -> object:
    """What counts of a value, as a key function or a plug-in says."""
    try:
        return function(value)
    except Exception as error:
        name, path = getattr(function, "__qualname__", type(function).__name__), walk.where()
        why = (
            f"which {less_secrets(str(error))}"
            if isinstance(error, UnstableKeyError)
            else f"whose key function {name} raised {type(error).__name__}: {masked(str(error))}. "
            "Correct that function, or leave the argument out with mark(ignore=...)"
        )
        place = f"{less_secrets(path[:200])} is {described(value)}"
        raise UnstableKeyError(f"{place}, {why}", path=path) from error


def _supported(support: TypeSupport, kind: type, name: str) -> Form:
    """The form of a class that a plug-in supports.

    It writes the class, the name of the plug-in's types (two may say the same of unequal values),
    its shape for people, what the plug-in says of the value, and what a program has set on it.
    """
    base = next(base for base in kind.__mro__ if class_name(base) == name)
    counted_as = support.counted_as(kind)
    holds = kind.__dictoffset__ != 0 or any("__slots__" in vars(base) for base in kind.__mro__)
    is_own = support.own_names(kind) if holds else None

    def write(walk: Walk, value: object) -> str:
        key = _asked(walk, value, support.key)
        called = quote(identifier_of(type(value))) if support.by_name else named(walk, counted_as)
        own = "{}" if is_own is None else state_of(walk, value, base, is_own)
        text = f"{called},{quote(support.name)},{_shape(value)},{walk.at('<key>', '', key)}"
        return tag("key", f"[{text}]" if own == "{}" else f"[{text},{own}]")

    return write


def _shape(value: object) -> str:
    """The shape of an array or a frame; ``null`` of what has none."""
    shape: Any = getattr(value, "shape", None) if hasattr(type(value), "shape") else None
    is_one = isinstance(shape, tuple) and bool(shape) and {*map(type, shape)} == {int}
    return repr([*shape]).replace(" ", "") if is_one else "null"
