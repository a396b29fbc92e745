"""Which form has a class.

By one rule: an object counts by its class, by the form of the base that it derives from, and by all
that is in its ``__dict__`` and slots beyond that. A class in C that has no form here is written as
`copyreg` and ``__reduce_ex__`` take it apart. What these refuse is refused, and so is what belongs
to the running process, is used up when it is read, or stands for something else.
"""

from __future__ import annotations

import copyreg
import os
from contextlib import suppress
from dis import opmap
from types import CodeType, GetSetDescriptorType, MappingProxyType, MemberDescriptorType, NoneType
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
from beautyspot.keys.text import FLAT, blob, quote, tag
from beautyspot.keys.walk import ADVICE, NO_FORM, described
from beautyspot.messages import less_secrets, masked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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

_LOCKS: Final = frozenset(
    {
        *("_thread:lock", "_thread:RLock", "threading:_RLock"),
        *(f"{module}:{name}" for module in ("threading", "asyncio")
          for name in ("Lock", "Condition", "Semaphore", "BoundedSemaphore")),
    }
)  # fmt: skip
"""What orders work and holds no data: it counts as its class alone."""

_LAZY: Final = frozenset(
    {"cached_property", "cachedproperty", "lazy_property", "lazyproperty", "reify",
     "memoized_property", "CachedAccessor", "NameSpace"}
)  # fmt: skip
"""What the classes are called whose instances keep in an object what they computed, in the
standard library and elsewhere; the accessors of pandas and Polars, too."""


# ----------------------------------------------------------------------- what has a form of its own


def _text_of(name: str, text: Callable[[Any], str]) -> Form:
    return lambda _walk, value: tag(name, quote(text(value)))


def _parts_of(name: str, parts: Callable[[Any], Any]) -> Form:
    return lambda walk, value: tag(name, walk.array(parts(value)))


def _day(value: Any) -> str:
    return f"{value.year:04}-{value.month:02}-{value.day:02}"


def _clock(value: Any) -> tuple[Any, ...]:
    time = f"{value.hour:02}:{value.minute:02}:{value.second:02}.{value.microsecond:06}"
    return (time, value.fold, value.tzinfo)


def _decimal(value: Any) -> str:
    """Digits and exponent: 1.0 is not 1.00. The case of "E" depends on the current context."""
    from decimal import Decimal

    return Decimal.__str__(value).upper()


def _ordered(walk: Walk, value: Any) -> str:
    from collections import OrderedDict

    # Not by `dict.items`, which does not know of `move_to_end`.
    return tag("ordereddict", walk.array(map(list, OrderedDict.items(value))))


def _deque(walk: Walk, value: Any) -> str:
    from collections import deque

    return tag("deque", walk.array([value.maxlen, list(deque.__iter__(value))]))


def _partial(walk: Walk, value: Any) -> str:
    from functools import partial

    parts: Any = partial.__reduce__(value)[2]
    func, args = walk.at("<func>", "", parts[0]), walk.array(parts[1], "<args>[{}]")
    return tag("partial", f"[{func},{args},{walk.mapping(parts[2])}]")


def _path(walk: Walk, value: Any) -> str:
    """Not by its attributes, which cache what was computed so far, such as the text."""
    from pathlib import PurePath

    kind = next(base for base in type(value).__mro__ if root_of(base.__module__) == "pathlib")
    return tag("path", walk.array([kind.__name__, PurePath.__str__(value)]))


def _enum(walk: Walk, value: Any) -> str:
    """Class, name and value; unions of flags have no name of their own."""
    from enum import Flag

    name = None if isinstance(value, Flag) else value._name_
    return tag("enum", f"[{named(walk, type(value))},{walk.array([name, value._value_])}]")


def _named_tuple(walk: Walk, value: Any) -> str:
    """A tuple, with the names of its fields if it has some."""
    items, names = [*tuple.__iter__(value)], getattr(type(value), "_fields", None)
    if isinstance(names, tuple) and len(names) == len(items):
        items = [[str(name), item] for name, item in zip(names, items, strict=True)]
    return tag("tuple", walk.array(items))


_BESIDE: Final = frozenset({"default", "expected", "members", "metadata", "custom_error_context"})
"""The parts of a schema of pydantic in which is no schema, but what a program has written."""


def _schema(walk: Walk, value: Any) -> str:
    """A validator of pydantic by the schema that it was made of, as `pickle` takes it apart.

    In that, a class that is named twice goes by an address: here by how many come before it.
    """
    numbers: dict[str, int] = {}

    def less_addresses(part: Any) -> Any:
        if type(part) in (list, tuple):
            return [less_addresses(each) for each in part]
        if type(part) is not dict:
            return part
        refs = {"ref", "schema_ref"} if type(part.get("type")) is str else set()
        return {
            name: numbers.setdefault(each, len(numbers))
            if name in refs and type(each) is str
            else each
            if name in _BESIDE
            else less_addresses(each)
            for name, each in part.items()
        }

    schema, *rest = value.__reduce__()[1]
    return tag("schema", walk.array([type(value).__name__, less_addresses(schema), rest]))


def _variable(walk: Walk, value: Any) -> str:
    """A context variable by its name, and by the value that it has where the call begins."""
    known = value.get(_UNSET)
    return tag("variable", walk.array([value.name, *([] if known is _UNSET else [known])]))


_EXACT: Final[dict[type, Form]] = {
    list: lambda walk, value: walk.array(list.__iter__(value)),
    tuple: _named_tuple,
    dict: lambda walk, value: walk.mapping(dict(dict.items(value))),
    set: lambda walk, value: tag("set", walk.sorted(set.__iter__(value))),
    frozenset: lambda walk, value: tag("frozenset", walk.sorted(frozenset.__iter__(value))),
    bytes: lambda _, value: tag("bytes", blob(value)),
    bytearray: lambda _, value: tag("bytearray", blob(value)),
    memoryview: lambda walk, value: tag(
        "memoryview",
        f"[{walk.array([value.format, list(value.shape or ()), value.readonly])},"
        f"{blob(value if value.c_contiguous else value.tobytes())}]",
    ),
    NoneType: lambda _, value: FLAT[NoneType](value),
    bool: lambda _, value: FLAT[bool](value),
    str: lambda _, value: FLAT[str](str.__str__(value)),
    int: lambda _, value: FLAT[int](int.__int__(value)),
    float: lambda _, value: FLAT[float](float.__float__(value)),
    complex: _parts_of("complex", lambda value: (value.real, value.imag)),
    MappingProxyType: lambda walk, value: tag("mappingproxy", walk.at("", "", value.copy())),
}
"""Forms of the builtin types, which call methods of these: a subclass may override its own."""

_BY_NAME: Final[dict[str, Form]] = {
    # Neither traceback nor cause. What classes in C keep beside the arguments is in their slots.
    "builtins:BaseException": lambda walk, value: tag("error", walk.array(value.args, ".args[{}]")),
    "datetime:date": _text_of("date", _day),
    "datetime:datetime": _parts_of("datetime", lambda value: (_day(value), *_clock(value))),
    "datetime:time": _parts_of("time", _clock),
    "datetime:timedelta": _parts_of(
        "timedelta", lambda value: (value.days, value.seconds, value.microseconds)
    ),
    "zoneinfo:ZoneInfo": _text_of("zoneinfo", lambda zone: zone.__reduce__()[1][0]),  # its key
    "uuid:UUID": _parts_of("uuid", lambda value: (f"{value.int:032x}", value.is_safe.value)),
    "decimal:Decimal": _text_of("decimal", _decimal),
    "collections:OrderedDict": _ordered,
    "collections:defaultdict": lambda walk, value: tag(
        "defaultdict",
        f"[{walk.at('.default_factory', '', value.default_factory)},"
        f"{walk.mapping(dict(dict.items(value)))}]",
    ),
    "collections:deque": _deque,
    "functools:partial": _partial,
    "_contextvars:ContextVar": _variable,
    **dict.fromkeys(_LOCKS, _text_of("lock", lambda value: identifier_of(type(value)))),
    **dict.fromkeys(
        (
            *("pathlib:Path", "pathlib:PosixPath", "pathlib:WindowsPath"),
            *("pathlib:PurePath", "pathlib:PurePosixPath", "pathlib:PureWindowsPath"),
        ),
        _path,
    ),
}
"""Those of the standard library, by the top-level module and the name of a class."""

_FAMILIES: Final[dict[str, Form]] = {
    "enum:Enum": _enum,
    "random:Random": lambda walk, value: _refusing(
        "is another one after each use", "pass a seed, and make it of that inside", always=True
    )(walk, value),
    "logging:Logger": _text_of("logger", lambda logger: str(logger.name)),
    **dict.fromkeys(
        [f"pydantic_core._pydantic_core:Schema{name}" for name in ("Validator", "Serializer")],
        _schema,
    ),
    "pydantic.type_adapter:TypeAdapter": _parts_of("adapter", lambda it: (it._type, it._config)),
}
"""The same of classes whose subclasses are written alike."""


def has_own_form(module: str) -> bool:
    """Whether beautyspot itself has forms of classes of a module, given its dotted name."""
    return root_of(module) in _OWN


_OWN: Final = {
    *(name.partition(":")[0] for name in (*_BY_NAME, *_FAMILIES)),
    *(cls.__module__ for cls in callables.FAMILIES),
    *("array", "collections", "dataclasses", "fractions", "ipaddress", "operator", "pydantic"),
    *("pydantic_core", "random", "re", "string", "types"),
}


# ------------------------------------------------------------------------------------- the rule


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
        return _refusing(told.why, f"pass {told.passes}", always=True)
    if needs_data_plugin(types, kind):
        return _refusing(NO_DATA, get_data())
    if any(kind is proxy for proxy in ProxyTypes) or any(
        "__class__" in vars(base) for base in kind.__mro__ if base is not object
    ):
        why = "stands for another object"
        return _refusing(why, f"pass that object itself, {ADVICE}", always=True)
    kind = genuine(kind)  # a frozen time is one as any other
    names = [f"{base.__module__}:{base.__qualname__}" for base in kind.__mro__]
    for base, name in zip(kind.__mro__, names, strict=True):
        family = callables.FAMILIES.get(base) or _FAMILIES.get(name)
        if family is not None:
            return family
    exact = _base_form(kind)
    if exact is not None and (kind.__dictoffset__ == 0 or _rooted(kind) in _LOCKS):
        return exact
    roots = {root_of(base.__module__) for base in kind.__mro__}
    if any(hasattr(kind, name) for name in ("__next__", "__anext__", "__await__")):
        advice = (
            "pass a list of its items; of a file its path, with key={…: KeyGen.from_file_content}, "
            "or what read() gives; of what is awaited the result"
        )
        return _refusing("is used up when it is read", advice)
    if kind is object or not _LIVE.isdisjoint(roots):
        return _refusing()
    is_error = issubclass(kind, BaseException)
    root: Any = next(
        base
        for base in kind.__mro__
        if _base_form(base)
        or not (is_python_class(base) or (is_error and base.__module__ == "builtins"))
    )
    if is_error and root is not BaseException and root.__reduce__ is BaseException.__reduce__:
        return _refusing()  # what it holds in C stands in no attribute
    whole = _object_of(root, None if root is object else _base_form(root) or _reduced(root))
    # A model counts by its fields: its copies hold what its cached properties computed.
    if is_error or "pydantic" in roots or not any(map(says_how_to_copy, kind.__mro__)):
        return whole
    return _copied(kind, whole)


def _base_form(cls: type) -> Form | None:
    return _EXACT.get(cls) or _BY_NAME.get(_rooted(cls))


def _rooted(cls: type) -> str:
    return f"{root_of(cls.__module__)}:{cls.__qualname__}"


def _refusing(why: str = NO_FORM, advice: str = ADVICE, *, always: bool = False) -> Form:
    def refuse(walk: Walk, value: object) -> str:
        walk.lenient = walk.lenient and not always
        walk.refuse(value, why, advice)

    return refuse


def _object_of(base: type, inner: Form | None) -> Form:
    """The form of an object: its class, what it holds beyond a base, and the form of that base."""

    def write(walk: Walk, value: object) -> str:
        content = "" if inner is None else inner(walk, value)
        if content.startswith(_GLOBAL):  # a name leads to it
            return content
        own = _state(walk, value, base)
        if own == "{}" and type(value) is base and _base_form(base) is not None:
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
        is_beside = state is not None and _is_own(state, _own_dict(walk, value))
        return walk.array([how, [*args], None if is_beside else state, *items], "<{}>")

    reduce: Any = copyreg.dispatch_table.get(base)
    if reduce is None:
        is_said = (
            base.__reduce_ex__ is object.__reduce_ex__ and base.__reduce__ is not object.__reduce__
        )
        reduce = base.__reduce__ if is_said else lambda value: base.__reduce_ex__(value, 4)
    return _apart(reduce, parts, _refusing())


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
        names = {name for name, item in _held(walk, value, object) if item is not _UNSET}
        if not names <= copied.keys() | theirs:
            return whole(walk, value)
        if function is _NEW and args == (kind,) and type(state) is dict and not any(items):
            held = {n: x for n, x in state.items() if not _is_derived(walk, value, n, x)}
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
        own = "{}" if is_own is None else _state(walk, value, base, is_own)
        text = f"{called},{quote(support.name)},{_shape(value)},{walk.at('<key>', '', key)}"
        return tag("key", f"[{text}]" if own == "{}" else f"[{text},{own}]")

    return write


def _shape(value: object) -> str:
    """The shape of an array or a frame; ``null`` of what has none."""
    shape: Any = getattr(value, "shape", None) if hasattr(type(value), "shape") else None
    is_one = isinstance(shape, tuple) and bool(shape) and {*map(type, shape)} == {int}
    return repr([*shape]).replace(" ", "") if is_one else "null"


# ----------------------------------------------------------------------------- what an object holds


def _state(
    walk: Walk, value: object, base: type, inner: Callable[[str], object] = lambda _name: False
) -> str:
    """The JSON object of what is in the slots of all classes that `base` is not, and the dict.

    What an attribute of that name in a subclass hides is there as well, under a pair of the name
    and a number. What is `inner`, is a library's own.
    """
    members: dict[Any, Any] = {}
    times: dict[str, int] = {}
    for name, item in _held(walk, value, base):
        times[name] = times.get(name, 0) + 1
        if item is not _UNSET and not inner(name) and not _is_derived(walk, value, name, item):
            members[name if times[name] == 1 else (name, times[name])] = item
    return walk.attributes(value, members)


def _held(walk: Walk, value: object, base: type) -> Iterator[tuple[str, Any]]:
    kind = type(value)
    for owner in [each for each in kind.__mro__ if each not in base.__mro__]:
        fields = [field.name for field in vars(owner).get("__attrs_attrs__", ())]
        for name, slot in vars(owner).items():
            # The other slots of a class of attrs keep what it computed.
            if type(slot) is MemberDescriptorType and (name in fields or not fields):
                try:
                    item = slot.__get__(value, kind)
                except AttributeError:
                    item = _UNSET
                # Of a class in C, None is what was not set. Other Pythons may not have it.
                yield name, _UNSET if item is None and not is_python_class(owner) else item
    yield from _own_dict(walk, value).items()


_UNSET: Final = object()


def _own_dict(walk: Walk, value: object) -> Any:
    """The ``__dict__`` itself, whatever the class makes of the name or of `__getattribute__`."""
    kind = type(value)
    for base in kind.__mro__:
        found: Any = base.__dict__.get("__dict__")
        if type(found) in (GetSetDescriptorType, MemberDescriptorType):
            return found.__get__(value)
    if kind.__dictoffset__ != 0:
        walk.refuse(value, "hides its __dict__")
    return {}


def _is_derived(walk: Walk, value: object, name: object, item: object) -> bool:
    """Whether an attribute follows from the others: what a cached property keeps, hash, address.

    Reading one must not change the key; and hashes and addresses differ between processes.
    """
    if type(name) is not str:
        return False
    kind = type(value)
    found = next((vars(base)[name] for base in kind.__mro__ if name in vars(base)), None)
    lazy = _LAZY.intersection([base.__name__ for base in type(found).__mro__])
    if lazy and hasattr(type(found), "__get__"):
        return True
    if name == "_now" and any(base.__module__ == "http.cookiejar" for base in kind.__mro__):
        return True  # when a jar was asked last
    if name == "_stop_words_id" and is_of_installed(kind):
        return True  # an address, as scikit-learn keeps it
    if name[:1] != "_" or "hash" not in name or hasattr(kind, "__del__"):
        return False
    return item is None or (type(item) is int and item == _hash_without(walk, value, name))


def _hash_without(walk: Walk, value: object, name: str) -> int | None:
    """The hash that an object has without an attribute; None where it has none then."""
    with suppress(Exception):  # of a class in C, or what `__hash__` raises
        twin: Any = object.__new__(type(value))
        for each, item in _held(walk, value, object):
            if item is not _UNSET:
                object.__setattr__(twin, each, None if each == name else item)
        return hash(twin)
    return None
