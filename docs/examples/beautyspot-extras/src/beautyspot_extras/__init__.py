"""The serializer `json`, the limiter `leaky`, and the types of `packaging`, for beautyspot.

Each Spot imports this module, and only what it asks for of the others.
"""

from __future__ import annotations

import beautyspot as bs


@bs.hookimpl
def beautyspot_register_serializer() -> dict[str, str]:
    """The serializer `json`."""
    return {"json": "beautyspot_extras.json_serializer:JsonSerializer"}


@bs.hookimpl
def beautyspot_register_limiter() -> dict[str, str]:
    """The limiter `leaky`."""
    return {"leaky": "beautyspot_extras.leaky_limiter:LeakyLimiter"}


@bs.hookimpl
def beautyspot_register_types() -> dict[str, str]:
    """The types of `packaging`."""
    return {"versions": "beautyspot_extras.version_types:VersionTypes"}
