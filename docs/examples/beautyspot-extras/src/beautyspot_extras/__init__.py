"""Two backends of beautyspot: the serializer `json` and the limiter `leaky`."""

from __future__ import annotations

import beautyspot as bs

from beautyspot_extras.json_serializer import JsonSerializer
from beautyspot_extras.leaky_limiter import LeakyLimiter

__all__ = ["JsonSerializer", "LeakyLimiter"]

beautyspot_api = 1


@bs.hookimpl
def beautyspot_register_serializer() -> type[bs.SerializerBase]:
    """The serializer `json`."""
    return JsonSerializer


@bs.hookimpl
def beautyspot_register_limiter() -> type[bs.LimiterBase]:
    """The limiter `leaky`."""
    return LeakyLimiter
