"""What a storage is told about a blob is enough to make the row of a result anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import beautyspot as bs
import pytest
from beautyspot.memory import MemoryMetadataStore, MemoryStorage
from beautyspot.results.about import about_of, row_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KEY = "a-signing-key-0123456789"


class Shared(MemoryMetadataStore):
    """A store that others read, too."""

    private = False


def row_and_told(make_spot: Callable[..., bs.Spot], work: Any, **options: Any) -> Any:
    """The row of a result in a storage that keeps what it is told, and what it was told."""
    storage = MemoryStorage()
    with make_spot(storage=storage, strict=True, blob_threshold=10, **options) as spot:
        marked = spot.mark(
            name="app:work", version=2, tags=("t", "日本"), ttl="1d", price=lambda _: 0.1
        )(work)
        marked("x" * 20)
        assert spot.flush()
        row = spot.metadata.get(spot.key(marked, "x" * 20))
    return row, storage.about(row.result_value)


def as_row(told: Any, row: bs.TaskRecord) -> bs.TaskRecord | None:
    return row_of(told, row.cache_key, row.result_value or "")


@pytest.mark.parametrize("options", [{}, {"signing_key": KEY}, {"save": "background"}], ids=str)
def test_the_row_of_a_blob_is_made_anew(make_spot, options):
    row, told = row_and_told(make_spot, lambda text: text, **options)
    assert row.tags == ("t", "日本")
    assert as_row(told, row) == row._replace(arguments=None)


@pytest.mark.parametrize("options", [{}, {"signing_key": KEY}], ids=str)
def test_the_row_of_a_file_is_made_anew(make_spot, tmp_path: Path, options):
    path = tmp_path / "日本.txt"
    path.write_text("a file\n" * 1000)
    row, told = row_and_told(make_spot, lambda _: bs.File(path), **options)
    assert as_row(told, row) == row._replace(arguments=None)


@pytest.mark.parametrize(("kind", "is_told"), [(MemoryMetadataStore, False), (Shared, True)])
def test_arguments_that_only_the_user_may_read_stay_in_the_row(make_spot, kind, is_told):
    metadata = kind()
    metadata.private = kind is MemoryMetadataStore
    row, told = row_and_told(make_spot, lambda text: text, metadata=metadata, arguments=True)
    assert "xxx" in row.arguments
    assert (told.get("arguments") == row.arguments) is is_told


def test_what_was_left_out_is_no_row(make_spot):
    row, _ = row_and_told(make_spot, lambda text: text)
    told = about_of(row, with_arguments=True)
    names = [*told]
    for size in range(len(told)):
        some = {name: told[name] for name in names[:size]}
        made = as_row(some, row)
        assert (made is not None) is ("tags" in some)
        if made is not None:
            assert made == row._replace(**dict.fromkeys(names[size:]))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("made_at", "NaN"), ("made_at", "1e999"), ("made_at", "true"), ("made_at", '"1"'),
        ("made_at", "1e300"), ("size", "-1"), ("size", "1.5"), ("digest", "zz"), ("digest", "aa"),
        ("tags", "[1]"), ("tags", "{}"), ("tags", "[" * 100_000), ("key_scheme", "x"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(make_spot, name, text):
    row, told = row_and_told(make_spot, lambda text: text)
    with pytest.raises(ValueError, match="makes no sense"):
        as_row({**told, name: text}, row)


def test_names_that_a_later_release_tells_are_passed_over(make_spot):
    row, told = row_and_told(make_spot, lambda text: text)
    more = {**told, "flavour": "sweet", "result_data": "x", "cache_key": "other"}
    assert as_row(more, row) == row._replace(arguments=None)


def test_a_storage_that_keeps_nothing_is_told_nothing(make_spot):
    with make_spot(storage="local", strict=True, blob_threshold=10) as spot:
        marked = spot.mark(lambda: "x" * 100)
        marked()
        [blob] = spot.storage.list()
        assert spot.storage.about(blob.location) == {}
