"""Pickled results of beautyspot: models of scikit-learn, sparse arrays, arrays of objects.

A pickle can run any code when it is loaded. So this serializer works in Spots with a `signing_key`
only: nothing is loaded that does not bear a signature by one of the Spot's keys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from beautyspot.hookspecs import hookimpl, later

if TYPE_CHECKING:
    from beautyspot_pickle.serializer import PickleSerializer

__all__ = ["PickleSerializer"]

__getattr__, __dir__ = later(__name__, {"PickleSerializer": "serializer"})


@hookimpl
def beautyspot_register_serializer() -> dict[str, str]:
    """The serializer `pickle`."""
    return {"pickle": "beautyspot_pickle.serializer:PickleSerializer"}
