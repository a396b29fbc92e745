"""`Items`: a function of a list whose items have results of their own, and how it is called."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from beautyspot.errors import ConfigError, ItemsError
from beautyspot.functions.annotations import BY_POSITION, SEVERAL, signature_of
from beautyspot.keys.binding import bound_names
from beautyspot.messages import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.tasks.options import MarkOptions


_NO_LISTS: Final = (str, bytes, bytearray, memoryview, Mapping, AbstractSet)
"""What can be iterated, and is no list: what it gives is no item, or in no order."""


class Given(NamedTuple):
    """The arguments of one call of such a function, and where its list is among them.

    Attributes:
        args, kwargs: the arguments.
        at: the position of the list, or its name.
        items: what is in it.
    """

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    at: int | str
    items: list[Any]

    def holding(self, value: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments with this value in the place of the list."""
        at, args = self.at, self.args
        if isinstance(at, str):
            return args, {**self.kwargs, at: value}
        return (*args[:at], value, *args[at + 1 :]), self.kwargs


class Items:
    """What a mark with `each` knows of its function.

    Args:
        name: the function's identifier.
        function: the user's function.
        options: of its mark, with `each`.

    Raises:
        ConfigError: the function has no such parameter, or another option does not fit.
    """

    def __init__(self, name: str, function: Callable[..., Any], options: MarkOptions) -> None:
        assert options.each is not None  # noqa: S101 - the caller asks
        self._name = name
        self._each = options.each
        self._signature = _signature(name, function, options)
        parameter = self._signature.parameters[self._each]
        places = list(self._signature.parameters)
        self._by_keyword = parameter.kind is not inspect.Parameter.POSITIONAL_ONLY
        self._index = places.index(self._each) if parameter.kind in BY_POSITION else None

    def given(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Given:
        """The list in the arguments of a call, and the others. An iterator is used up.

        Raises:
            TypeError: the arguments do not fit the function's signature.
            ItemsError: there is no list.
        """
        bound = self._signature.bind(*args, **kwargs)
        at: int | str | None = self._each if self._by_keyword and self._each in kwargs else None
        if at is None and self._index is not None and self._index < len(args):
            at = self._index
        if at is None:  # its default
            bound.apply_defaults()
            args, kwargs = bound.args, bound.kwargs
            at = self._each if self._index is None else self._index
        value = kwargs[at] if isinstance(at, str) else args[at]
        iterator = _iterator(value)
        if iterator is None:
            raise ItemsError(
                f"{self._name} takes a list of items as {self._each}=, and got {_shown(value)}: "
                "give a list, of one item as well"
            )
        return Given(args, kwargs, at, list(iterator))

    def results(self, value: Any, count: int, *, set_so: bool = False) -> list[Any]:
        """What the function returned for so many items, item by item.

        With `set_so` it did not run: these are the results that its caller sets.

        Raises:
            ItemsError: it is no list, or of another length; says both.
        """
        iterator = _iterator(value)
        if iterator is None:
            raise self._no_results(f"{_shown(value)}, which is no list", count, set_so)
        found = list(iterator)
        if len(found) != count:
            results = "1 result" if len(found) == 1 else f"{len(found)} results"
            raise self._no_results(results, count, set_so)
        return found

    def _no_results(self, got: str, count: int, set_so: bool) -> ItemsError:
        asked = "1 item" if count == 1 else f"{count} items"
        told, verb = f"{self._name} was called with {asked}, and returned {got}", "return"
        if set_so:
            told, verb = f"set_result of {self._name} is about {asked}, and was given {got}", "give"
        return ItemsError(
            f"{told}. Nothing of it is stored: {verb} one result for each item, in their order"
        )


def _signature(name: str, function: Callable[..., Any], options: MarkOptions) -> inspect.Signature:
    """The signature of the function, in which a parameter takes the list.

    Raises:
        ConfigError: none does; says what to write.
    """
    each = options.each or ""
    try:
        signature = signature_of(function)
    except (TypeError, ValueError):  # some builtins have none
        signature = inspect.Signature()
    names = [*signature.parameters]
    parameter = signature.parameters.get(each)
    is_list = parameter is not None and parameter.kind not in SEVERAL
    known = f"its parameters are {', '.join(names) or 'none that can be read'}"
    for is_wrong, why, instead in (
        (parameter is None, known, f"give one of these.{did_you_mean(each, names)}"),
        (not is_list, f"*{each} is no parameter that takes a list", "give the function one"),
        (each in bound_names(function), "it is bound already", "give the list when it is called"),
        (each in options.ignore, "ignore= leaves it out", "leave it out of ignore="),
        (
            isinstance(options.key, str),
            "key= gives all items one ID",
            f'give a function, or a table {{"{each}": function}}',
        ),
    ):
        if is_wrong:
            raise ConfigError(f"mark(each={each!r}) does not fit {name}: {why}: {instead}")
    return signature


def _iterator(value: Any) -> Iterable[Any] | None:
    """What gives the items of a list, or of what is like one; None for anything else.

    A frame gives its columns, and not its rows, so it is none.
    """
    if type(value) is list:
        return value
    if isinstance(value, _NO_LISTS) or hasattr(type(value), "columns"):
        return None
    try:
        iterator: Iterable[Any] = iter(value)
        return iterator
    except TypeError:
        return None


def _shown(value: object) -> str:
    return "None" if value is None else f"an object of the class {type(value).__qualname__}"
