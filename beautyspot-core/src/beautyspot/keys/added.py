"""Parameters that a function was given since results were stored: its calls keep their keys.

A parameter is left out of the key while its argument equals the value at which nothing changed.
Two calls stay two keys: from the last parameter that was added, so many are left out, and how many
tells the number of positional arguments and the names of the others.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from beautyspot.errors import ConfigError
from beautyspot.functions.bound import taken_apart
from beautyspot.keys.binding import binding_signature, dropped_names, is_omitted
from beautyspot.messages import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from beautyspot.keys.binding import Bound, Changes

_KIND: Final = inspect.Parameter
_POSITIONAL: Final = (_KIND.POSITIONAL_ONLY, _KIND.POSITIONAL_OR_KEYWORD)
_VARIABLE: Final = (_KIND.VAR_POSITIONAL, _KIND.VAR_KEYWORD)


class _Step(NamedTuple):
    """A parameter that may be left out, where its argument has this ID."""

    place: int | str  # among the positional arguments, or the name
    own_id: str


class Added:
    """The parameters that were added to a function.

    Args:
        func: the function that the binder was made for.
        table: parameter -> the value at which nothing changed, in the order in which they came.
        ignore, key_of: as they were given to `make_binder`.
        id_of: the ID of one value: equal IDs are equal arguments.

    Raises:
        ConfigError: a name is not that of a parameter that can be told apart, or its value has no
            stable form.
    """

    def __init__(
        self,
        func: Callable[..., Any],
        table: Mapping[str, Any],
        *,
        ignore: Iterable[str],
        key_of: Changes,
        id_of: Callable[[Any], str],
    ) -> None:
        self._title = getattr(func, "__qualname__", repr(func))
        self._id_of = id_of
        signature, self._passes_on = binding_signature(taken_apart(func).func)
        self._parameters = {} if signature is None else dict(signature.parameters)
        self._ignored = {entry.partition(".")[0] for entry in ignore}
        dropped = dropped_names(ignore)
        self._places = [
            name
            for name, each in self._parameters.items()
            if each.kind in _POSITIONAL and name not in dropped
        ]
        self._steps: list[_Step] = []
        for name, value in table.items():
            self._check(name)
            self._steps.insert(0, self._step(name, value, key_of.get(name)))

    def left_out(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Bound:
        """What a binder returned, less the parameters that change nothing."""
        gone: set[int | str] = set()
        for step in self._steps:
            if not self._changes_nothing(step, args, kwargs):
                break
            gone.add(step.place)
        if not gone:
            return args, kwargs
        left = tuple(value for place, value in enumerate(args) if place not in gone)
        return left, {name: value for name, value in kwargs.items() if name not in gone}

    def _changes_nothing(self, step: _Step, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        place = step.place
        try:
            value = args[place] if isinstance(place, int) else kwargs[place]
            if self._passes_on:  # what is given explicitly is another call, see `keys.binding`
                return is_omitted(value)
            return self._id_of(value) == step.own_id
        except Exception:  # the key meets it again, and says where it is
            return False

    # -------------------------------------------------------------------------------- at the mark

    def _step(self, name: str, value: Any, key_of: Callable[[Any], object] | None) -> _Step:
        own_id = self._own_id(name, value, key_of)
        if self._passes_on:
            self._check_default(name, own_id, key_of)
        is_named = name not in self._places
        return _Step(name if is_named else self._places.index(name), own_id)

    def _own_id(self, name: str, value: Any, key_of: Callable[[Any], object] | None) -> str:
        try:
            return self._id_of(value if key_of is None else key_of(value))
        except Exception as error:
            raise self._error(
                f"the value of {name!r} can't be in a key ({error}): give one that can"
            ) from error

    def _check_default(
        self, name: str, own_id: str, key_of: Callable[[Any], object] | None
    ) -> None:
        default = self._parameters[name].default
        if default is _KIND.empty or self._own_id(name, default, key_of) != own_id:
            raise self._error(
                f"the function is called by a decorator that takes *args and **kwargs, so its "
                f"results are kept where {name!r} is not given: give {name!r} this value as its "
                "default, or write @spot.mark beneath that decorator"
            )

    def _check(self, name: str) -> None:
        parameter = self._parameters.get(name)
        if parameter is None:
            known = ", ".join(self._parameters) or "none that are known"
            close = did_you_mean(name, self._parameters)
            raise self._error(f"it has no parameter {name!r}: it has {known}.{close}")
        if parameter.kind in _VARIABLE:
            raise self._error(
                f"{parameter} adds nothing to the key of a call that gives none: leave it out"
            )
        if name in self._ignored:
            raise self._error(f"ignore= leaves {name!r} out already: leave it out of one of them")
        if parameter.kind in _POSITIONAL and self._takes_more:
            raise self._error(
                f"{name!r} stands before *args, so that a call without it would have the key of "
                f"another one: make it a parameter for a keyword only, behind *args"
            )

    @property
    def _takes_more(self) -> bool:
        return any(each.kind is _KIND.VAR_POSITIONAL for each in self._parameters.values())

    def _error(self, why: str) -> ConfigError:
        return ConfigError(f"mark(added=) does not fit {self._title}: {why}")
