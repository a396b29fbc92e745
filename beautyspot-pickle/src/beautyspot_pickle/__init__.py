"""Pickled results of beautyspot: models of scikit-learn, sparse arrays, arrays of objects.

A pickle can run any code when it is loaded. So this serializer works in Spots with a `signing_key`
only: nothing is loaded that does not bear a signature by one of the Spot's keys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from beautyspot.hookspecs import hookimpl

if TYPE_CHECKING:
    from beautyspot_pickle.serializer import PickleSerializer

__all__ = ["PickleSerializer"]

beautyspot_api = 1


@hookimpl
def beautyspot_register_serializer() -> dict[str, str]:
    """The serializer `pickle`."""
    return {"pickle": "beautyspot_pickle.serializer:PickleSerializer"}


def __getattr__(name: str) -> Any:
    """Import `PickleSerializer` when it is first used (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from beautyspot_pickle.serializer import PickleSerializer

    globals()[name] = PickleSerializer
    return PickleSerializer


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
