"""The types of libraries for data, for beautyspot: arrays, frames, tensors, images, figures, zones.

The module is a plug-in, which core imports when a `Spot` is made. So it imports nothing but the
hook marker. The supports are imported when the first function is marked, and no library before
the program itself has imported it, or a stored value of it is restored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from beautyspot.hookspecs import hookimpl

if TYPE_CHECKING:
    from beautyspot.contracts import TypeSupport

__all__: list[str] = []


@hookimpl
def beautyspot_register_types() -> list[type[TypeSupport]]:
    """The supports of all libraries."""
    from beautyspot_data.supports import SUPPORTS

    return [*SUPPORTS]
