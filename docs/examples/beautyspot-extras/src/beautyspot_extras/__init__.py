"""The serializer `json`, the limiter `leaky`, and the types of `packaging`, for beautyspot."""

from __future__ import annotations

import beautyspot as bs

from beautyspot_extras.json_serializer import JsonSerializer
from beautyspot_extras.leaky_limiter import LeakyLimiter
from beautyspot_extras.version_types import VersionTypes

__all__ = ["JsonSerializer", "LeakyLimiter", "VersionTypes"]

beautyspot_api = 1


@bs.hookimpl
def beautyspot_register_serializer() -> type[bs.SerializerBase]:
    """The serializer `json`."""
    return JsonSerializer


@bs.hookimpl
def beautyspot_register_limiter() -> type[bs.LimiterBase]:
    """The limiter `leaky`."""
    return LeakyLimiter


@bs.hookimpl
def beautyspot_register_types() -> type[bs.TypeSupport]:
    """The types of `packaging`."""
    return VersionTypes
