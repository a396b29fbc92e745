"""Which classes the values of a function may be of: the rule by which stored names lead to classes.

A class counts if the program names it: by `register`, by the function's return annotation, by an
argument of the call, or by a plug-in that supports it. Where nobody else can have written what is
stored, a class counts as well that is loaded and belongs to the function's own top-level package,
to the program itself (``__main__``), or to the package of a class that the annotation names, or is
below such a class. So what somebody plants in a store that others write to makes no instance of a
class that is merely loaded, and the program's own classes need no word.

An instance of a class that does not count so is stored as one of a class above it, where the
annotation promises no more: see `Trust.of_type` and `Trust.promised`. At the end is what is said of
the values that have no stored form.
"""

from __future__ import annotations

import re
from collections.abc import MappingView
from contextlib import suppress
from io import IOBase
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType, NoneType
from typing import (
    TYPE_CHECKING,
    Any,
    Final,
    TypeAlias,
    TypeVar,
    get_args,
    get_origin,
)

from beautyspot.contracts.foreign import foreign
from beautyspot.contracts.records import is_copied
from beautyspot.contracts.storage import File
from beautyspot.contracts.values import (
    NO_DATA,
    OF_DATA,
    class_name,
    get_data,
    needs_data_plugin,
    support_of,
)
from beautyspot.errors import RestoreError
from beautyspot.functions.names import identifier_of, module_name, root_of
from beautyspot.serialization.classes import (
    SCALAR_BASES,
    body,
    has_plain_hash,
    is_below,
    loaded_class,
    plain_base,
    plain_name,
)
from beautyspot.serialization.codec import (
    FUNCTIONS,
    INSTANCE,
    SCALARS,
    Refused,
    is_stored_anyway,
    of_plugin,
)
from beautyspot.serialization.instances import Form, PromisedForm, form_of, passes_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from beautyspot.contracts import BlobStorageBase, Entry, MetadataStoreBase, TaskRecord
    from beautyspot.contracts.values import Types
    from beautyspot.serialization.codec import Functions
    from beautyspot.serialization.instances import EnumForm

    AnyForm: TypeAlias = "Form | EnumForm | Functions"

_NOTHING: Final = (None, NoneType)


def is_private(
    store: MetadataStoreBase | BlobStorageBase, record: TaskRecord | Entry | None = None
) -> bool:
    """Whether nobody but this user can have written what a store or a storage holds.

    Args:
        store: it.
        record: a row of it; what was copied from another store may be anybody's.
    """
    return store.private and not (record is not None and is_copied(record.digest))


class Trust:
    """The classes that count for one function, or for one call of it.

    Args:
        registered: by the program.
        types: those that plug-ins support.
        named: the classes that the annotation and the arguments name; where `own` is given, those
            below them, and of their packages, count as well.
        own: the top-level package of the function, the loaded classes of which count; None where
            others may have written what is stored.
        errors: classes of errors that are results; loaded ones below them count as well.
        containers: the builtin ones that the annotation names, and how many each stands within.
    """

    def __init__(
        self,
        registered: dict[str, Form | EnumForm | Functions],
        types: Types,
        named: Iterable[type] = (),
        own: str | None = None,
        errors: tuple[type[Exception], ...] = (),
        containers: Iterable[tuple[type, int]] = (),
    ) -> None:
        self.registered = registered
        self.types = types
        self.own = own
        self.errors = errors
        self.containers = frozenset(containers)
        # Of two of one name, the first counts.
        self.named: dict[str, type] = {_name_of(cls): cls for cls in reversed([*named])}
        self._forms: dict[int, Form | EnumForm] = {}  # by `id`: classes may be equal

    def of_type(self, cls: type) -> tuple[Any, AnyForm] | None:
        """What stands for a class in stored bytes, and how to write its instances.

        A class that bears the name of one above it which counts, as a library makes one to stand
        for that, and the `Page[~T]` and the `Page[None]` of a `Page`, are stored as that one, if
        the annotation names it or one above it, and it has the same fields and methods. None if it
        does not count.
        """
        for name, form in reversed(self.registered.items()):
            if form.cls is cls:
                return name, form
        supported = support_of(self.types, cls)
        if supported is not None:
            name, support = supported
            exact = class_name(support.counted_as(cls))
            return name if exact == name else f"{name} {exact}", of_plugin(support, exact)
        if foreign(cls) is not None:  # such as a row of a database, of a class that has fields
            return None
        generic = _generic(cls)
        args = generic["args"]  # of a class that nothing fills: `Page[~T]`, `Page[None]`
        is_open = bool(args) and all(type(one) is TypeVar or one in _NOTHING for one in args)
        origin = generic["origin"] if is_open else cls
        for each in (cls, origin):
            with suppress(Refused, RestoreError):
                ref = _name_of(each)
                found: Any = self._counted(ref)
                if found.cls is cls:
                    return ref, found
                if is_below(found.cls, *self.named.values()) and passes_for(cls, found):
                    return ref, PromisedForm(found.cls)
        return None

    def promised(self, cls: type, depth: int) -> type | None:
        """The builtin type as which instances of a class are stored that does not count.

        That is one whose instances they are but for their name, or of a row of SQLAlchemy the one
        that it stands for. A text or a number is promised where the annotation names it at all, a
        container where the annotation has it within so many others.
        """
        row = foreign(cls)
        base = plain_base(cls) if row is None else row.plain
        is_named = any(base is one for one in self.named.values())
        return base if is_named or (base, depth) in self.containers else None

    def of_ref(self, ref: str, code: int) -> AnyForm:
        """How to read an instance of the class that a stored reference means.

        Raises:
            RestoreError: it means none, one that does not count, or is written in another way now.
            Refused: no form follows from the class by now.
        """
        if code == FUNCTIONS and ref not in self.registered:
            name, _, exact = ref.partition(" ")
            if name in self.types:
                return of_plugin(self.types[name], exact or name)
            is_ours = root_of(name.partition(":")[0]) in OF_DATA
            missing = f"it {NO_DATA}: {get_data()}"
            others = "register it, or install the plug-in that has it"
            raise RestoreError(f"a {name:.200} is stored: {missing if is_ours else others}")
        form = self._counted(ref)
        if form.code != code:
            raise RestoreError(f"{ref!r:.200} is now stored in another way than it was")
        return form

    def _counted(self, ref: str) -> AnyForm:
        """The form of the class that a reference means, if it counts; raises as `of_ref`."""
        if ref in self.registered:
            return self.registered[ref]
        cls = self._class(ref)
        form = self._forms.get(id(cls))
        if form is None:
            form = self._forms[id(cls)] = form_of(cls)
        return form

    def _class(self, ref: str) -> type:
        """The class itself, which nobody has registered."""
        cls = loaded_class(ref)
        if ref in self.named:  # a notebook may have defined it again since
            return self.named[ref] if cls is None else cls
        if cls is not None and is_below(cls, *self.errors):
            return cls
        if cls is not None and self.own is not None and not is_below(cls, dict, list, set):
            place = ref.partition(":")[0]
            is_own = root_of(place) == self.own or place == module_name("__main__")
            named = self.named.values()
            is_near = is_below(cls, *named) or _package(cls) in map(_package, named)
            if is_own or (is_near and plain_base(cls) not in SCALAR_BASES):
                return cls
        raise RestoreError(
            f"nothing vouches for {ref!r}: name it in the function's return annotation, an error "
            "in cache_errors=, register it, or, if it is the program's own, import its module "
            "where the program starts"
        )

    def check_hashed(self, values: Sequence[Any]) -> None:
        """Refuse what would run code of the program as an element of a set, or as a key.

        Raises:
            Refused: its class, or that of a part, has a `__hash__` or `__eq__` of its own.
        """
        if SCALARS.issuperset(map(type, values)):
            return
        for value in values:
            cls = type(value)
            known = None if is_stored_anyway(cls) else self.of_type(cls)
            form = known and known[1]
            if form is not None and form.code != FUNCTIONS and not has_plain_hash(cls):
                raise Refused(
                    f"{identifier_of(cls)} has a __hash__ or __eq__ of its own, which would run "
                    "for stored bytes: return a list in place of the set or the keys, or call "
                    f"spot.register({cls.__qualname__}, encode=…, decode=…)"
                )
            if known is None and is_below(cls, tuple, frozenset):
                self.check_hashed([*value])
            elif form is not None and form.code == INSTANCE:
                _, attributes, *content = form.parts(value)
                self.check_hashed([*attributes.values(), *content])


def _package(cls: type) -> str:
    return root_of(plain_name(cls).partition(":")[0])


def _generic(cls: type) -> Mapping[str, Any]:
    """What a parametrised model of pydantic is made of: its origin, and its arguments."""
    return body(cls).get("__pydantic_generic_metadata__") or {"origin": None, "args": ()}


def _name_of(cls: Any) -> str:
    """Under which name a class is stored.

    Of a parametrised model with those of its arguments, which may be no classes, as `Item | None`:
    `Page[Item]` does not say whose `Item`.
    """
    is_class = isinstance(cls, type)
    made = _generic(cls) if is_class else {"origin": get_origin(cls), "args": get_args(cls)}
    if not made["args"]:
        return identifier_of(cls) if is_class else repr(cls)
    return f"{_name_of(made['origin'])}[{', '.join(map(_name_of, made['args']))}]"


# ------------------------------------------------------------------- what is said of the others

PICKLE_IT: Final = (
    'with a signing_key, pickle it: mark(serializer="pickle") '
    "(needs beautyspot-pickle: docs/install.md)"
)
"""The last way out for a result that has no form of ours."""

_LIVE: Final = "the items of which are passed on live, and stored at the end"
_NO_RESULT_YET: Final[tuple[tuple[Callable[[Any], bool], str], ...]] = (
    (
        lambda cls: hasattr(cls, "__await__"),
        (
            "is not awaited yet: make the marked function an `async def` and await it there; often "
            "another decorator has wrapped such a function"
        ),
    ),
    (
        lambda cls: cls.__module__ == "pydantic.types" and cls.__name__.startswith("Secret"),
        "is a secret, and results are stored as they are: leave it out of the result",
    ),
    (
        lambda cls: cls is re.Pattern,  # some take minutes to compile, and others to match
        "is a program, which stored data never are: return its text, `.pattern`",
    ),
    (
        lambda cls: issubclass(cls, File),
        "is stored only as the whole result: return it alone, or read_bytes() of it",
    ),
    (lambda cls: issubclass(cls, IOBase), "is a file: return what it holds, or its path"),
    (
        lambda cls: issubclass(cls, FunctionType | BuiltinFunctionType | MethodType | ModuleType),
        "is code, which is never stored: return what it returns, or the values to make it of again",
    ),
    (
        lambda cls: hasattr(cls, "__anext__"),
        f"is used up by its reader: return a list, or `yield` in an `async def`, {_LIVE}",
    ),
    (
        lambda cls: hasattr(cls, "__next__"),
        f"is used up by its reader: return a list, or `yield` in the function, {_LIVE}",
    ),
    (lambda cls: issubclass(cls, MappingView), "shows a dict: return a list or a set"),
    (
        lambda cls: hasattr(cls, "figure"),
        'is drawn in a figure: return that, `.figure`, and mark with content_type="image/png"',
    ),
)
"""Of which classes instances are no result, and what to return instead."""


def advice(value: object, types: Types) -> str:
    """Why a value is refused, and what to do; `types` are those of plug-ins."""
    cls = type(value)
    told = foreign(cls)
    if told is not None:
        return f"{identifier_of(cls)} {told.why}: return {told.returns}"
    if needs_data_plugin(types, cls):
        return f"a {class_name(cls)} {NO_DATA}: {get_data()}"
    # Of `Page[~T]`, and `Page[NoneType]`, which are a library's own.
    name = re.sub(r"\[(~.*|NoneType)\]", "", cls.__qualname__)
    why, how = "is not a type that can be stored as it is", ""
    try:
        form_of(cls)
        base = plain_base(cls)
        plain = base and f"; or -> {base.__name__}, as which it is stored then"
        hint = f"annotate the function (-> {name}, -> list[{name}] and so on{plain or ''}), "
    except Refused as refused:
        for is_of, instead in _NO_RESULT_YET:
            if is_of(cls):
                return f"{identifier_of(cls)} {instead}"
        why, hint, how = refused.reason or why, "", ", encode=…, decode=…"
    return (
        f"{identifier_of(cls)} {why}: {hint}call spot.register({name}{how}), return what you need "
        "of it, as plain values: tuple(…), list(…) or dict(…) of it, its to_dict() or "
        f"model_dump(); or, {PICKLE_IT}"
    )
