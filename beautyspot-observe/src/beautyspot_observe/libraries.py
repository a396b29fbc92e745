"""The library of an observer, imported when the observer is made."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def load(module: str, extra: str) -> Any:
    """Import a module of an observer's library.

    Args:
        module: its dotted name.
        extra: the extra of `beautyspot-observe` that brings the library.

    Raises:
        ModuleNotFoundError: the library is not installed; the message says what to install.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise  # the library is there, and misses another one
        raise ModuleNotFoundError(
            f"this observer needs {error.name.partition('.')[0]}, which is not installed: "
            f"install beautyspot-observe[{extra}] (docs/install.md)",
            name=error.name,
        ) from error
