"""Whether a function that is called with another one's arguments can take any call of that."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from beautyspot.functions.annotations import signature_of
from beautyspot.functions.names import unwrap_ours

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Parameters = list[inspect.Parameter]

_BY_POSITION = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_ANY = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def what_does_not_fit(given: object, function: Callable[..., Any], *, after: int = 0) -> str | None:
    """What both take, if no call of `function` fits `given`; None where one does, or may.

    `given` gets so many arguments before those of the call, as `after` says.

    A wrapper may be called with other arguments than what it wraps, so it is believed as it is.
    """
    if not callable(given):
        return None
    try:
        theirs = signature_of(given)
        ours = signature_of(unwrap_ours(function), follow_wrapped=False)
    except (TypeError, ValueError):  # some builtins have no signature
        return None
    parameters = list(ours.parameters.values())
    if any(each.kind in _ANY for each in parameters):
        return None
    for args, kwargs in _calls(parameters):
        try:
            theirs.bind(*[None] * after, *args, **kwargs)
        except TypeError:
            continue
        return None
    return f"it takes {_names(theirs)}, and the function {_names(ours)}"


def _calls(parameters: Parameters) -> Iterator[tuple[list[None], dict[str, None]]]:
    """Typical calls: with all arguments or the required ones, by position or by name."""
    required = [each for each in parameters if each.default is inspect.Parameter.empty]
    for chosen in (parameters, required):
        for kinds in (_BY_POSITION, _BY_POSITION[:1]):
            named = {each.name: None for each in chosen if each.kind not in kinds}
            yield [None for each in chosen if each.kind in kinds], named


def _names(signature: inspect.Signature) -> str:
    return f"({', '.join(signature.parameters)})"
