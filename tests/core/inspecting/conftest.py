"""A store of each kind, and what it is looked at through."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from beautyspot import MetadataStoreBase, Store, open_store
from core.inspecting.stored import ROWS, make
from rows import put_rows


@pytest.fixture(params=["sqlite", "memory"])
def metadata(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MetadataStoreBase]:
    """A store that holds `ROWS`, written in the order of their making."""
    store = make(request.param, tmp_path)
    put_rows(store, *reversed(ROWS))
    yield store
    store.close()


@pytest.fixture(scope="module", params=["sqlite", "memory"])
def shown(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    """The same once for all that change nothing."""
    metadata = make(request.param, tmp_path_factory.mktemp("shown"))
    put_rows(metadata, *reversed(ROWS))
    with open_store(metadata, config=False) as opened:
        yield opened
    metadata.close()


@pytest.fixture
def store(metadata: MetadataStoreBase) -> Iterator[Store]:
    """The same, opened."""
    with open_store(metadata, config=False) as opened:
        yield opened
