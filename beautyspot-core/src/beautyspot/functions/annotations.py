"""Annotations and signatures, read without an error about a name that is defined further down.

Since Python 3.14 an annotation is evaluated when something reads it, and a decorator may read it
before the module is complete, or where a name is imported for type checkers alone. Earlier Pythons
evaluate it with the definition, or keep its text.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Parameters = list[inspect.Parameter]

EVALUATORS: Final = ("__annotate__", "__annotate_func__")
"""The names under which a class holds the function that evaluates its annotations."""


def annotations_of(definition: Any) -> dict[str, Any]:
    """The annotations of a function or class itself, evaluated as far as they can be.

    What can't be evaluated is text, or a `typing.ForwardRef`, or has one inside.
    """
    if sys.version_info >= (3, 14):  # pragma: no cover - before, they are there, or are text
        return _late_annotations(definition)
    return inspect.get_annotations(definition)


def _late_annotations(definition: Any) -> dict[str, Any]:  # pragma: no cover
    library: Any = importlib.import_module("annotationlib")  # new in Python 3.14
    try:
        return dict(library.get_annotations(definition, format=library.Format.FORWARDREF))
    except Exception:  # such as of ``"Text" | None``, which nobody can read
        return {}


def signature_of(func: Callable[..., Any], *, follow_wrapped: bool = True) -> inspect.Signature:
    """As `inspect.signature`, but evaluates no annotation: they may be text, or missing."""
    if sys.version_info < (3, 14):
        return inspect.signature(func, follow_wrapped=follow_wrapped)
    return _late_signature(func, follow_wrapped)  # pragma: no cover - tested there


def _late_signature(func: Any, follow_wrapped: bool) -> inspect.Signature:  # pragma: no cover
    form = importlib.import_module("annotationlib").Format.STRING
    options: dict[str, Any] = {"follow_wrapped": follow_wrapped, "annotation_format": form}
    try:
        return inspect.signature(func, **options)
    except Exception:  # as above
        if not isinstance(func, FunctionType):
            raise
        bare = FunctionType(func.__code__, {}, func.__name__, func.__defaults__, func.__closure__)
        bare.__kwdefaults__ = func.__kwdefaults__
        return inspect.signature(bare)


# ------------------------------------------------- functions that are called with others' arguments

BY_POSITION: Final = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
SEVERAL: Final = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
"""The kinds of parameters that are passed by position, and that take what others leave."""


def what_does_not_fit(given: object, function: Callable[..., Any], *, after: int = 0) -> str | None:
    """What both take, if no call of `function` fits `given`; None where one does, or may.

    `given` gets so many arguments before those of the call, as `after` says.

    A wrapper may be called with other arguments than what it wraps, so it is believed as it is.
    """
    from beautyspot.functions.names import unwrap_ours  # which a Spot can start without

    if not callable(given):
        return None
    try:
        theirs = signature_of(given)
        ours = signature_of(unwrap_ours(function), follow_wrapped=False)
    except (TypeError, ValueError):  # some builtins have no signature
        return None
    parameters = list(ours.parameters.values())
    if any(each.kind in SEVERAL for each in parameters):
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
        for kinds in (BY_POSITION, BY_POSITION[:1]):
            named = {each.name: None for each in chosen if each.kind not in kinds}
            yield [None for each in chosen if each.kind in kinds], named


def _names(signature: inspect.Signature) -> str:
    return f"({', '.join(signature.parameters)})"
