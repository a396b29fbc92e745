"""A walk through a value, which writes its canonical text.

A *form* writes the values of one class, and calls the walk for their parts. The walk keeps track of
where it is, for messages, of cycles, of what was written before, and of what does not count. Each
text has a walk of its own, used by one thread.
"""

from __future__ import annotations

import reprlib
from types import FunctionType, MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn

from beautyspot.errors import UnstableKeyError
from beautyspot.functions.identity import is_of_installed
from beautyspot.functions.names import unwrap_ours
from beautyspot.keys.text import (
    FLAT,
    flat_json,
    fold,
    is_plain_key,
    many_numbers,
    quote,
    tag,
)
from beautyspot.messages import less_secrets, masked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    Form = Callable[["Walk", Any], str]
    """Writes a value of one class."""

    Custom = Mapping[int, tuple[type, Callable[[Any], object]]]

ADVICE: Final = (
    "pass what it is made of, or say what counts of it by __beautyspot_key__ in its class or by "
    "spot.keygen.register(cls, function)"
)

NO_FORM: Final = "has no form that is the same in another process"

ITEM: Final = "[{}]"
KEYED: Final = "[key]"
ATTRIBUTE: Final = ".{}"
NAME: Final = "{}"

CAPTURED: Final = "<captured "
"""The name of a part of a function begins so, if it is a variable."""


class Without(NamedTuple):
    """A value less some of its attributes: ``Without(self, ("client", "http.session"))``.

    Where the value counts by its state, the attributes on these dotted paths do not count. Of a
    function, the variables of these names that it captured do not, of functions in it neither. A
    path that leads nowhere has no effect.
    """

    value: object
    paths: tuple[str, ...]


class Walk:
    """Writes values.

    Args:
        write: writes whatever is no flat value, list, tuple or dict.
        custom: ``id(class)`` -> the class, and a function that returns what counts of its
            instances, or of a subclass's. Classes may be equal that are not one.
        kept: of an earlier walk, so that what takes long is not done again.

    Attributes:
        path: where it is: the names of the steps, and their keys.
        noted: the texts of arguments, of their attributes and of the variables that functions
            captured, by what a message calls them: two of these tell what changed between them.
        plain: whether all was flat values, lists, tuples and dicts so far.
        kept: what takes long, such as the content of files, and the names of classes.
        definitions: the functions and classes that were met.
        lenient: whether what has no form counts as its class alone.
    """

    __slots__ = (
        *("_active", "_less", "_references", "_shared", "_within", "_write"),
        *("custom", "definitions", "kept", "lenient", "noted", "path", "plain"),
    )

    def __init__(
        self,
        write: Form,
        custom: Custom = MappingProxyType({}),
        kept: dict[object, str] | None = None,
    ) -> None:
        self.custom = custom
        self.path: list[tuple[str, object]] = []
        self.noted: dict[str, str] = {}
        self.plain = True
        self.kept: dict[object, str] = {} if kept is None else kept
        self.definitions: list[Any] = []
        self.lenient = False
        self._write = write
        self._active: dict[int, object] = {}  # in the order in which they were met
        # The values are kept, too: another object may get the address of one that is gone.
        self._shared: dict[int, tuple[object, str]] = {}
        self._less: dict[int, tuple[str, ...]] = {}
        self._within: list[int] = []  # the functions that are written just now
        self._references = 0  # to these

    def argument(self, name: str, value: object) -> str:
        """The text of an argument, which is noted.

        Raises:
            UnstableKeyError: a part has no stable form, or raised: a closed file, a property.
        """
        try:
            text = self.noted[name] = self.at(NAME, name, value)
        except UnstableKeyError:
            raise
        except Exception as error:
            path = self.where()
            why = f"{type(error).__name__}: {masked(str(error))}"
            raise UnstableKeyError(
                f"{less_secrets(path[:80])} could not be read ({why}): {ADVICE}", path=path
            ) from error
        return text

    def at(self, step: str, key: object, value: object) -> str:
        """The text of a part. `step` formats `key` as the next step of the path, such as `ITEM`."""
        atom = FLAT.get(type(value))
        if atom is not None:
            return atom(value)
        depth = len(self.path)
        self.path.append((step, key))
        try:
            text = self._nested(value)
        except Exception as error:
            if not self.leaves_out(error):
                raise
            del self.path[depth + 1 :]
            text = self.left(value)
        self.path.pop()
        return text

    def leaves_out(self, error: Exception) -> bool:
        """Whether what raised this counts as its class alone."""
        return self.lenient and isinstance(error, UnstableKeyError)

    def left(self, value: object) -> str:
        """The text of what is left out."""
        return tag("left", quote(described(value)))

    def array(self, items: Iterable[Any], step: str = ITEM) -> str:
        """The JSON array of `items`."""
        text = many_numbers(items) if type(items) in (list, tuple) else None
        if text is None:
            items = tuple(items)
            text = flat_json(items, items)
        if text is None:
            texts = [self.at(step, number, item) for number, item in enumerate(items)]
            text = f"[{','.join(texts)}]"
        return text

    def mapping(self, items: dict[Any, Any], step: str = KEYED) -> str:
        """A JSON object if all keys are plain, else pairs; sorted either way."""
        if not all(map(is_plain_key, items)):
            pairs = [
                f"[{self.at('<key>', '', key)},{self.at(KEYED, key, item)}]"
                for key, item in items.items()
            ]
            return tag("dict", f"[{','.join(sorted(pairs))}]")
        text = flat_json(items, items.values())
        if text is None:
            members = [f"{quote(key)}:{self.at(step, key, items[key])}" for key in sorted(items)]
            return f"{{{','.join(members)}}}"
        return text

    def sorted(self, items: Iterable[Any]) -> str:
        """The JSON array of `items` in the order of their texts."""
        return f"[{','.join(sorted([self.at('<element>', '', item) for item in items]))}]"

    def attributes(self, value: object, members: dict[Any, Any]) -> str:
        """The JSON object of the attributes of `value`, less those that do not count.

        Those of an argument, and of what a function captured, are noted.
        """
        paths = self.less(value)
        if paths:
            members = {
                name: _less(name, item, paths)
                for name, item in members.items()
                if (name[0] if type(name) is tuple else name) not in paths
            }
        step, name = self.path[-1]
        is_named = len(self.path) == 1 or (step is NAME and str(name).startswith(CAPTURED))
        if not is_named or not all(map(is_plain_key, members)):
            return self.mapping(members, ATTRIBUTE)
        whole = self.where()
        texts = {name: self.at(ATTRIBUTE, name, members[name]) for name in sorted(members)}
        self.noted.update({f"{whole}.{name}": text for name, text in texts.items()})
        return f"{{{','.join([f'{quote(name)}:{text}' for name, text in texts.items()])}}}"

    def function(self, value: FunctionType, parts: dict[str, Any], *, lenient: bool) -> str:
        """The JSON object of the parts of a function, less the captured ones that do not count.

        Those that are captured, and attributes, are noted. With `lenient`, what has no form counts
        as its class.
        """
        paths, outer = self.less(value), self.lenient
        self.lenient = lenient  # and so it stays if this raises: no walk around it goes on then
        self._within.append(id(value))
        texts: list[str] = []
        try:
            for name in sorted(parts):
                part = parts[name]
                variable = name.removeprefix(CAPTURED).removesuffix(">").removeprefix(".")
                if variable not in paths and name not in paths:
                    text = self.at(NAME, name, less_captured(variable, part, paths))
                    texts.append(f"{quote(name)}:{text}")
                    if name.startswith((CAPTURED, ".")):
                        self.noted[f"{self.where()}{name}"] = text
        finally:
            self._within.pop()
        self.lenient = outer
        return f"{{{','.join(texts)}}}"

    def less(self, value: object) -> tuple[str, ...]:
        """The dotted paths that don't count in the state of `value`."""
        return self._less.get(id(value), ())

    def where(self, steps: int | None = None) -> str:
        """Where the walk is, such as ``client.session._lock``; or was, after so many steps."""
        path = self.path[:steps]
        return "".join([f"[{reprlib.repr(k)}]" if s is KEYED else s.format(k) for s, k in path])

    def refuse(self, value: object, why: str = NO_FORM, advice: str = ADVICE) -> NoReturn:
        """Raise an error that says where the walk is, and why `value` can't be in a key.

        What is inside of an object of an installed package is that object's: nobody else knows it,
        but for what a plug-in says of the object, and the insides of `self`.
        """
        path, place = self.where(), None
        for number, holder in enumerate([*self._active.values()][:-1], 1):
            told = self.path[:number] == [(NAME, "self")] or self.path[number][0] == "<key>"
            if is_of_installed(type(holder)) and not told:
                value, why, advice, place = holder, NO_FORM, ADVICE, number
                break
        raise UnstableKeyError(
            f"{less_secrets(self.where(place)[:200])} is {described(value)}, which {why}: {advice}",
            path=path,
        )

    def _nested(self, value: object) -> str:
        if type(value) is Without:
            return self._without(value)
        address = id(value)
        is_whole = not (self._less.get(address) or self.lenient)
        if is_whole and address in self._shared:
            return self._shared[address][1]
        if address in self._active:
            return self._again(value)
        self._active[address] = value
        references = self._references
        try:
            written = self._written(type(value), value)
        finally:
            del self._active[address]
        text = fold(written, value)
        # Only folded texts are remembered: the others are cheap, and shared parts that double a
        # text can do so only until it is folded.
        if text is not written and is_whole and self._references == references:
            self._shared[address] = (value, text)
        return text

    def _written(self, kind: type, value: Any) -> str:
        if not self.custom:  # which may say what counts of a container
            if kind is list:
                return self.array(value)
            if kind is dict:
                return self.mapping(value)
            if kind is tuple:
                return tag("tuple", self.array(value))
        self.plain = False
        return self._write(self, value)

    def _without(self, marker: Without) -> str:
        value, address = marker.value, id(marker.value)
        outer = self._less.get(address, ())
        self._less[address] = outer + marker.paths
        try:
            return self._nested(value)
        finally:
            self._less[address] = outer

    def _again(self, value: object) -> str:
        """Of a function that is met within itself: how many functions above it is written."""
        address = id(unwrap_ours(value))
        if address not in self._within:
            self.refuse(value, "contains itself")
        self._references += 1
        return tag("above", str(len(self._within) - self._within.index(address)))


def _less(name: object, item: object, paths: tuple[str, ...], more: tuple[str, ...] = ()) -> object:
    """An attribute less what paths leave out of it, and less what `more` leaves out."""
    inner = (*[path[len(f"{name}.") :] for path in paths if path.startswith(f"{name}.")], *more)
    return Without(item, inner) if inner else item


def less_captured(name: str, item: object, paths: tuple[str, ...]) -> object:
    """A captured variable less what paths leave out of it; of a function, of all within it, too."""
    return _less(name, item, paths, paths if type(item) is FunctionType else ())


def described(value: object) -> str:
    """What messages call a value: ``a numpy.ndarray``."""
    kind = type(value.value if type(value) is Without else value)
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    name = module + kind.__qualname__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"
