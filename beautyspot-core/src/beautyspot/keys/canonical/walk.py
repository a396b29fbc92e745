"""A walk through a value: keeps track of depth, cycles, what was written before, and the path.

A *form* writes values of one class, and calls the walk for their parts. Each text has a walk of its
own, used by one thread.
"""

from __future__ import annotations

import reprlib
from operator import itemgetter
from types import FunctionType, MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NoReturn

from beautyspot.errors import UnstableKeyError
from beautyspot.functions.by_identity import ByIdentity
from beautyspot.functions.definitions import generic_of, parts_of
from beautyspot.functions.identity import is_others_wrapper
from beautyspot.functions.names import identifier_of, is_anonymous, names_itself
from beautyspot.keys.canonical.text import (
    FLAT,
    flat_array,
    flat_object,
    fold,
    is_plain_key,
    quote,
    tag,
)
from beautyspot.messages import less_secrets, masked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    Form = Callable[["Walk", Any], str]
    Custom = Mapping[int, tuple[type, Callable[[Any], object]]]

MAX_DEPTH: Final = 100
"""Values that are nested deeper are refused. Five calls a level take half of Python's 1000."""

OWN_KEY: Final = "__beautyspot_key__"
"""A class's method that returns what counts of an instance: a value that has a stable form."""

ADVICE: Final = (
    "pass what it is made of, or say what counts of it by __beautyspot_key__ in its class or by "
    "spot.keygen.register(cls, function)"
)

NO_FORM: Final = "has no form that is the same in another process"

ITEM: Final = "[{}]"
KEYED: Final = "[key]"
ATTRIBUTE: Final = ".{}"
ELEMENT: Final = "<element>"
KEY: Final = "<key>"
PART: Final = "{}"


_MAIN: Final = ("__main__", "__mp_main__")
_names: Final[ByIdentity[str]] = ByIdentity()


class Without:
    """A value less some of its attributes: ``Without(self, ("client", "http.session"))``.

    Where the value counts by its state, the attributes on these dotted paths do not count. Of a
    function, the parts ``<captured name>`` do not, of those in it neither. A path that leads
    nowhere has no effect. If `formless`, what belongs to the process (a lock, a thread-local) is
    left out as well, but for what functions in the value hold.
    """

    __slots__ = ("formless", "paths", "value")

    def __init__(self, value: object, paths: tuple[str, ...], *, formless: bool = False) -> None:
        if type(value) is Without:  # a proxy might raise if `isinstance` asked for its class
            paths = value.paths + paths
            formless = formless or value.formless
            value = value.value
        self.value: object = value
        self.paths: tuple[str, ...] = paths
        self.formless: bool = formless


class Walk:
    """Writes one value. Forms call `at` for each part, `refuse` if there is no stable form.

    Functions and classes that no name leads to are written with all that they hold, which may lead
    back to them. So they have numbers, in the order in which they are met beneath the outermost of
    them, and one that is met again is written as its number.
    """

    __slots__ = (
        *("_active", "_defined", "_formless", "_less", "_memo", "_numbers", "_open"),
        *("_passing", "_path", "_referring", "_resolve", "_within", "custom", "passed_over"),
    )

    def __init__(
        self, resolve: Callable[[type], Form], custom: Custom = MappingProxyType({})
    ) -> None:
        self.custom = custom
        self.passed_over: list[object] | None = None  # what takes long; None to write it as well
        self._resolve = resolve
        self._path: list[tuple[str, object]] = []
        self._active: set[int] = set()
        # The values are kept, too: another object may get the address of one that is gone.
        self._memo: dict[int, tuple[object, str]] = {}
        self._less: dict[int, tuple[str, ...]] = {}
        self._defined: dict[int, tuple[object, str]] = {}  # as `_memo`
        self._numbers: dict[int, int] | None = None  # of definitions, beneath an outermost one
        self._within: dict[int, tuple[object, str]] = {}  # as `_memo`, for texts with numbers
        self._referring = 0  # how often numbers were given or written
        self._passing = 0  # how many texts of definitions were written that may change
        self._open: set[int] = set()  # outermost definitions that are being written
        self._formless = False  # whether what has no form is left out just now

    def at(self, step: str, key: object, value: object) -> str:
        """The text of a part. `step` formats `key` as the next step of the path, such as `ITEM`."""
        atom = FLAT.get(type(value))
        if atom is not None:
            return atom(value)
        self._path.append((step, key))
        text = self._nested(value)
        self._path.pop()
        return text

    def array(self, items: Iterable[Any], step: str = ITEM) -> str:
        """The JSON array of `items`."""
        items = tuple(items)
        text = flat_array(items)
        if text is None:
            text = ",".join([self.at(step, number, item) for number, item in enumerate(items)])
            return f"[{text}]"
        return text

    def mapping(self, items: dict[Any, Any], step: str = KEYED) -> str:
        """A JSON object if all keys are plain, else pairs; sorted either way."""
        if not all(map(is_plain_key, items)):
            return tag("dict", self._pairs(items))
        text = flat_object(items)
        if text is None:
            members = [f"{quote(key)}:{self.at(step, key, items[key])}" for key in sorted(items)]
            return f"{{{','.join(members)}}}"
        return text

    def sorted(self, items: Iterable[Any]) -> str:
        """The JSON array of `items` in the order of their texts."""
        return f"[{','.join(sorted([self._apart(ELEMENT, '', item) for item in items]))}]"

    def named(self, cls: type) -> str:
        """The text of a class: its name, or what makes it up if that does not lead back to it."""
        name = _names.get(cls)
        if name is not None:
            return name
        passing = self._passing
        text = self.defined(cls)
        return _names.put(cls, text) if self._passing == passing else text

    def defined(self, definition: Any) -> str:
        """The text of a function or class: its name, or all that makes it up."""
        generic = generic_of(definition)
        if generic is not None:  # `Model[Item]` does not say whose `Item`
            return tag("generic", f"[{self.named(generic[0])},{self.array(generic[1])}]")
        if not is_anonymous(definition):
            # `__main__` is another module in another process
            self._passing += getattr(definition, "__module__", None) in _MAIN
            return quote(identifier_of(definition))
        self._passing += 1
        if self._numbers is None:
            return self._outermost(definition)
        self._referring += 1
        number = self._numbers.get(id(definition))
        return self._parts(definition) if number is None else tag("defined", str(number))

    def _outermost(self, definition: Any) -> str:
        address = id(definition)
        known, less = self._defined.get(address), self.less(definition)
        if known is not None and not less:
            return known[1]
        if address in self._open:
            self.refuse(definition, "contains itself")
        self._open.add(address)
        self._numbers, referring = {}, self._referring
        text = self._parts(definition)
        self._numbers, self._referring = None, referring
        self._within.clear()
        self._open.discard(address)
        if not less and not self._formless:
            self._defined[address] = (definition, text)
        return text

    def _parts(self, definition: Any) -> str:
        assert self._numbers is not None  # noqa: S101 - the callers see to it
        self._numbers[id(definition)] = len(self._numbers)
        formless = self._formless
        if type(definition) is FunctionType:
            self._formless = is_others_wrapper(definition)
        parts = fold(self.mapping(_parts_less(definition, self.less(definition)), PART))
        self._formless = formless
        return f"[{quote(identifier_of(definition))},{parts}]"

    def _apart(self, step: str, key: object, value: object) -> str:
        """As `at`, with numbers of its own: in a set, texts must not depend on the order."""
        outside = self._numbers, self._within
        self._numbers, self._within = None, {}
        text = self.at(step, key, value)
        self._numbers, self._within = outside
        return text

    def passes_over(self, value: object) -> bool:
        """Whether what takes long is not to be written of a value, which is noted."""
        if self.passed_over is None:
            return False
        self.passed_over.append(value)
        return True

    def less(self, value: object) -> tuple[str, ...]:
        """The dotted paths that don't count in the state of `value`."""
        return self._less.get(id(value), ())

    def path(self) -> str:
        """Where the walk is, such as ``args[0].session._lock``."""
        return "".join([_rendered(step, key) for step, key in self._path])

    def text_of(self, value: object) -> str | None:
        """The text of a value that is no part of what is written; None if it has none."""
        other = Walk(self._resolve, self.custom)
        inner = value.value if type(value) is Without else None
        other._active = self._active - {id(inner)}
        try:
            return other.at("", "", value)
        except Exception:
            return None

    def left_out(self, value: object) -> str:
        """The class alone, of a value without a form where those are left out; else ""."""
        return tag("left", self.named(type(value))) if self._formless else ""

    def refuse(self, value: object, why: str = NO_FORM, advice: str = ADVICE) -> NoReturn:
        """Raise an error that says where the walk is, and why `value` can't be in a key."""
        path = self.path()
        raise UnstableKeyError(
            f"{less_secrets(path[:200])} is {described(value)}, which {why}: {advice}", path=path
        )

    def _without(self, marker: Without) -> str:
        address = id(marker.value)
        outer, formless = self._less.get(address, ()), self._formless
        self._less[address] = outer + marker.paths
        self._formless = formless or marker.formless
        text = self.at("", "", marker.value)
        self._less[address], self._formless = outer, formless
        return text

    def _nested(self, value: object) -> str:
        if type(value) is Without:
            return self._without(value)
        address = id(value)
        seen = self._memo.get(address) or self._within.get(address)
        if seen is not None and not self._less.get(address):
            return seen[1]
        if address in self._active and not names_itself(value):
            return self.left_out(value) or self.refuse(value, "contains itself")
        if len(self._active) >= MAX_DEPTH:
            self.refuse(value, f"is nested more than {MAX_DEPTH} levels deep")
        self._active.add(address)
        known, referring = len(self._numbers or ()), self._referring
        written = self._form(value)(self, value)
        self._active.discard(address)
        text = fold(written)
        # Only folded texts are remembered: the others are cheap, and shared parts that double a
        # text can do so only until it is folded.
        if text is not written and not self._less.get(address) and not self._formless:
            if self._referring == referring:
                self._memo[address] = (value, text)
            elif len(self._numbers or ()) == known:  # written once more, it would be the same
                self._within[address] = (value, text)
        return text

    def _form(self, value: object) -> Form:
        kind = type(value)
        for base in kind.__mro__ if self.custom else ():
            if id(base) in self.custom:
                return KeyForm(self.custom[id(base)][1])
        own = getattr(kind, OWN_KEY, None)
        if own is not None and any(OWN_KEY in vars(base) for base in kind.__mro__):
            return KeyForm(own)  # of the class: one of its metaclass would be for the class itself
        return self._resolve(kind)

    def _pairs(self, items: dict[Any, Any]) -> str:
        keys = [self._apart(KEY, "", key) for key in items]
        order = sorted(zip(keys, items.items(), strict=True), key=itemgetter(0))
        pairs = [f"[{text},{self.at(KEYED, key, item)}]" for text, (key, item) in order]
        return f"[{','.join(pairs if self._numbers is not None else sorted(pairs))}]"


def _parts_less(definition: Any, left_out: tuple[str, ...]) -> dict[str, Any]:
    """The parts of a function or class, less some of its own and of the functions in it."""
    parts = parts_of(definition)
    if not left_out:
        return parts
    return {
        name: Without(value, left_out) if isinstance(value, FunctionType) else value
        for name, value in parts.items()
        if name not in left_out
    }


def of_text(name: str, text: Callable[[Any], str]) -> Form:
    """The form of a type whose value `text` says in full."""
    return lambda _walk, value: tag(name, quote(text(value)))


def of_parts(name: str, parts: Callable[[Any], Iterable[Any]]) -> Form:
    """The form of a type whose value `parts` say in full; these have forms themselves."""
    return lambda walk, value: tag(name, walk.array(parts(value)))


class KeyForm:
    """The form of a class for which a function of the user's says what counts.

    Args:
        function: takes the value and returns what counts of it.
    """

    __slots__ = ("_function",)

    def __init__(self, function: Callable[[Any], object]) -> None:
        self._function = function

    def __call__(self, walk: Walk, value: object) -> str:
        """Write the class and what the function returns."""
        try:
            key = self._function(value)
        except Exception as error:
            raise failed(walk, value, self._function, error) from error
        return tag("key", f"[{walk.named(type(value))},{walk.at('<key>', '', key)}]")


def failed(walk: Walk, value: object, function: object, error: Exception) -> UnstableKeyError:
    """The error of a value whose key function raised one."""
    name = getattr(function, "__qualname__", type(function).__name__)
    return UnstableKeyError(
        f"{less_secrets(walk.path())} is {described(value)}, whose key function {name} raised "
        f"{type(error).__name__}: {masked(str(error))}. Correct that function, or leave the "
        "argument out with mark(ignore=...)",
        path=walk.path(),
    )


def described(value: object) -> str:
    """What messages call a value: ``a numpy.ndarray``."""
    kind = type(value)
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    name = module + kind.__qualname__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"


def _rendered(step: str, key: object) -> str:
    return f"[{reprlib.repr(key)}]" if step is KEYED else step.format(key)
