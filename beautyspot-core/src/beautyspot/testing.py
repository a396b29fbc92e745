"""What the tests of an application take: a Spot in memory, independent of any configuration.

`memory_spot` makes one; under pytest there is a fixture of that name, too, once the `conftest.py`
at the top of the tests says::

    pytest_plugins = ["beautyspot.testing"]

It is not registered for every run of pytest in the environment: that would import beautyspot, take
time, and hide it from coverage, also in projects that only happen to have it installed.

The contracts of the extension points, for authors of plug-ins, are the distribution
`beautyspot-testing`. PYTEST_DONT_REWRITE: there are no asserts in here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from beautyspot import Spot
from beautyspot.config.settings import SETTINGS
from beautyspot.memory import MemoryMetadataStore, MemoryStorage

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["memory_spot"]

_SETTINGS: Final[dict[str, Any]] = {
    # Those that a developer's environment may set, but for places; no file is read.
    **{
        name: setting.default
        for name, setting in SETTINGS.items()
        if not setting.is_path and name != "profile"
    },
    # Classes, not instances: the Spot makes them for itself, and closes them.
    "metadata": MemoryMetadataStore,
    "storage": MemoryStorage,
    "strict": True,
    "config": False,
    "wait_timeout": 60,
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


try:
    import pytest
except ImportError:  # pragma: no cover - the tests run in pytest
    pass  # a program may take it without
else:

    @pytest.fixture(name="memory_spot")
    def memory_spot_fixture() -> Iterator[Spot]:
        """A fresh `memory_spot` for the test, shut down at its end."""
        with memory_spot() as spot:
            yield spot
