"""A Spot for the tests of an application: in memory, and independent of any configuration."""

from __future__ import annotations

from typing import Any, Final

from beautyspot import Spot
from beautyspot.memory import MemoryMetadataStore, MemoryStorage

_SETTINGS: Final[dict[str, Any]] = {
    # Classes, not instances: the Spot makes them for itself, and closes them.
    "metadata": MemoryMetadataStore,
    "storage": MemoryStorage,
    "strict": True,
    # A developer's environment may set these; no file is read.
    "config": False,
    "serializer": "msgpack",
    "keygen": "stable",
    "limiter": None,
    "save": "sync",
    "ttl": None,
    "price_unit": None,
    "blob_threshold": 2**17,
    "max_size": None,
    "compress": None,
    "enabled": True,
    "wait_timeout": 60,
    "mode": "normal",
    "arguments": None,
    "signing_key": None,
}


def memory_spot(name: str = "test", **options: Any) -> Spot:
    """A fresh Spot that keeps everything in memory and writes no file.

    It is `strict`, so that a failure of the cache fails the test. It reads no configuration file
    and no environment variable. Each call makes a Spot that shares nothing with others. Use it as
    a context manager, or call `shutdown` at the end::

        with beautyspot.testing.memory_spot() as spot:
            double = spot.mark(lambda x: 2 * x)

    Args:
        name: the Spot's name.
        options: any option of `Spot`; they win over the settings above.

    Raises:
        ConfigError: an option is wrong, as for `Spot`.
    """
    return Spot(name, **{**_SETTINGS, **options})
