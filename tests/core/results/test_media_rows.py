"""Rows of results in the format of their content type, of which somebody changed the type."""

from __future__ import annotations

from typing import Any

import pytest
from beautyspot.results.validity import fingerprint
from rows import put_rows


def table(name: str) -> dict[str, str]:
    return {"name": name}


@pytest.mark.parametrize(
    "rest", ["", "x", "x|y|?", "x|application/json|", "json:|a/b|", "json|a/b|"]
)
def test_a_stored_file_of_a_damaged_type_is_a_miss(make_spot: Any, rest: str) -> None:
    spot = make_spot()
    marked = spot.mark(content_type="application/json")(table)
    assert marked("a") == marked("a") == {"name": "a"}
    [record] = spot.metadata.all_rows(data=True)
    assert record.serializer == "media:json:|application/json|"
    digest = fingerprint(record.cache_key, f"media:{rest}", record.result_data)
    changed = record._replace(serializer=f"media:{rest}", digest=digest)
    put_rows(spot.metadata, changed)
    assert marked("a") == {"name": "a"}
    assert spot.stats()["hits"] == 1
