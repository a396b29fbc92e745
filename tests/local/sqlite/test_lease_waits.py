"""The files by which processes tell what they wait for, where the contract does not reach."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from beautyspot import MetadataError
from beautyspot_local.sqlite.store import SqliteMetadataStore
from beautyspot_testing.shared import in_forked_child

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WAITS = {"a": {"b"}}


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[list[SqliteMetadataStore]]:
    stores = [SqliteMetadataStore(tmp_path / "a.db") for _ in range(2)]
    yield stores
    for store in stores:
        store.close()


def test_a_folder_that_can_not_be_made_is_said(stores: list[Any], tmp_path: Path) -> None:
    (tmp_path / "a.db.waits").write_text("a file")
    with pytest.raises(MetadataError, match=r"no files beside .*a\.db"):
        stores[0].share_waits(WAITS)
    assert stores[0].share_waits({}) == {}


def test_a_closed_store_waits_for_nothing(stores: list[Any]) -> None:
    stores[0].share_waits(WAITS)
    stores[0].close()
    assert stores[1].share_waits({}) == {}


def test_a_forked_child_waits_for_nothing_of_its_parent(stores: list[Any], tmp_path: Path) -> None:
    stores[0].share_waits(WAITS)

    def in_child() -> str:
        found = stores[0].share_waits({"c": {"d"}})
        stores[0].close()
        return str(found)

    assert in_forked_child(in_child) == str(WAITS)
    assert stores[1].share_waits({}) == WAITS
