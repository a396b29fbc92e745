"""The annotations of functions and classes, which Python evaluates when they are asked for."""

from __future__ import annotations

import sys
from typing import Any

from beautyspot.functions.names import chain


def annotations_of(definition: Any) -> dict[str, Any]:
    """The annotations of a function or class itself, evaluated as far as they can be."""
    if sys.version_info >= (3, 14):  # pragma: no cover - before, they are there, or are text
        import annotationlib

        form = annotationlib.Format.FORWARDREF
        return dict(annotationlib.get_annotations(definition, format=form))
    if isinstance(definition, type):
        return dict(vars(definition).get("__annotations__") or {})
    return dict(getattr(definition, "__annotations__", None) or {})


def result_of(function: Any) -> dict[str, Any]:
    """What a function says that it returns, as ``{"<return>": annotation}``.

    It selects the class of what is restored. Empty where there is none, or a text, which means the
    same wherever the function was made, or a builtin type.
    """
    *_, inner = chain(function)
    found = annotations_of(inner).get("return")
    if found is None or isinstance(found, str):
        return {}
    builtin = type(found) is type and found.__module__ == "builtins"
    return {} if builtin else {"<return>": found}
