"""`Items`: a function of a list whose items have results of their own, and how it is called."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from beautyspot.errors import ItemsError
from beautyspot.functions.annotations import signature_of

if TYPE_CHECKING:
    from collections.abc import Callable

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
        each: the parameter that takes the list; see `check_combinations`.
    """

    def __init__(self, name: str, function: Callable[..., Any], each: str) -> None:
        self._name = name
        self._each = each
        self._signature = signature_of(function)
        self._index = [*self._signature.parameters].index(each)

    def given(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Given:
        """The list in the arguments of a call, and the others. An iterator is used up.

        Raises:
            TypeError: the arguments do not fit the function's signature.
            ItemsError: there is no list.
        """
        bound = self._signature.bind(*args, **kwargs)
        if self._each not in bound.arguments:
            bound.apply_defaults()
        args, kwargs, value = bound.args, bound.kwargs, bound.arguments[self._each]
        items = _listed(value)
        if items is None:
            raise ItemsError(
                f"{self._name} takes a list of items as {self._each}=, and got {_shown(value)}: "
                "give a list, of one item as well. Each input of spot.map and spot.count is such a "
                "list: write [items] in the place of items"
            )
        at = self._each if self._each in kwargs else self._index
        return Given(args, kwargs, at, items)

    def results(self, value: Any, count: int) -> list[Any]:
        """What the function returned, or its caller sets, for so many items, item by item.

        Raises:
            ItemsError: it is no list, or of another length; says both.
        """
        found = _listed(value)
        if found is not None and len(found) == count:
            return found
        got = f"{_shown(value)}, which is no list" if found is None else f"{len(found)} results"
        raise ItemsError(
            f"{self._name}: {count} items need a list of as many results, one for each, in their "
            f"order, and there came {got}. Nothing of it is stored"
        )


def _listed(value: Any) -> list[Any] | None:
    """The items of a list, or of what is like one; None for anything else.

    A frame gives its columns, and not its rows, so it is none.
    """
    if isinstance(value, _NO_LISTS) or hasattr(type(value), "columns"):
        return None
    try:
        items = iter(value)
    except TypeError:
        return None
    return list(items)


def _shown(value: object) -> str:
    return "None" if value is None else f"an object of the class {type(value).__qualname__}"
