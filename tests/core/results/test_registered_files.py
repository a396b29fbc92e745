"""Instances of a registered class whose `encode` gives a file: bytes and a content type."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot import Instance, open_store
from beautyspot.testing import memory_spot
from rows import put_rows

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclasses.dataclass
class Badge:
    label: str
    kind: str = "image/svg+xml"


ENCODED: list[str] = []


def encode(badge: Badge) -> Any:
    ENCODED.append(badge.label)
    return f"<svg>{badge.label}</svg>".encode(), badge.kind


def decode(form: Any) -> Badge:
    assert type(form) is tuple
    data, kind = form
    return Badge(data.decode().removeprefix("<svg>").removesuffix("</svg>"), kind)


@pytest.fixture
def registered(make_spot: Callable[..., Any]) -> Any:
    ENCODED.clear()
    spot = make_spot()
    spot.register(Badge, encode=encode, decode=decode)
    return spot


def badge(label: str) -> Badge:
    return Badge(label)


def test_the_result_is_a_file_of_that_type(registered: Any) -> None:
    marked = registered.mark(save_blob=True)(badge)
    assert marked("a") == marked("a") == Badge("a")
    assert ENCODED == ["a"]
    stored = registered.peek(marked, "a")
    assert Path(stored.location).suffix == ".svg"
    assert Path(stored.location).read_bytes() == b"<svg>a</svg>"
    with open_store(registered) as store:
        key = registered.key(marked, "a")
        content = store.content(key)
        assert (content.content_type, content.is_media) == ("image/svg+xml", True)
        assert b"".join(content.chunks()) == b"<svg>a</svg>"
        found = store.value(key)
        assert type(found) is Instance
        assert found.fields == {0: b"<svg>a</svg>", 1: "image/svg+xml"}


def test_a_small_one_lies_in_its_row(registered: Any) -> None:
    marked = registered.mark(badge)
    assert marked("a") == marked("a") == Badge("a")
    assert registered.stats()["hits"] == 1
    [record] = registered.metadata.all_rows(data=True)
    assert (record.content_type, record.result_data) == ("image/svg+xml", b"<svg>a</svg>")


def test_a_content_type_of_the_mark_has_to_be_that(registered: Any, caplog: Any) -> None:
    same = registered.mark(content_type="IMAGE/SVG+XML", save_blob=True, name="same")(badge)
    assert same("a") == same("a") == Badge("a")
    assert Path(registered.peek(same, "a").location).suffix == ".svg"
    other = registered.mark(content_type="image/png", save_blob=True, name="other")(badge)
    assert other("a") == Badge("a")
    assert registered.peek(other, "a") is None
    assert "Badge gives no pair (bytes, 'image/png'): make it give one" in caplog.text


def test_a_class_that_is_not_registered_any_more_is_a_miss(caplog: Any) -> None:
    with memory_spot(strict=False) as spot:
        spot.register(Badge, encode=encode, decode=decode)
        spot.mark(badge)("a")
        with memory_spot(metadata=spot.metadata, strict=False) as other:
            assert other.mark(badge)("a") == Badge("a")
            assert other.stats()["hits"] == 0
    assert "Badge is stored" in caplog.text
    assert "register it" in caplog.text


def test_a_stored_file_of_a_damaged_type_is_a_miss(registered: Any, caplog: Any) -> None:
    from beautyspot.results.validity import fingerprint

    marked = registered.mark(badge)
    marked("a")
    [record] = registered.metadata.all_rows(data=True)
    wrong = ["", "x", "x|y|?", "[]", '["x","y"]', '["x","y","?"]', '["class:x","y",""]']
    wrong += ['["json:","a/b",""]', '["json","a/b",""]', '["x","y",1]', "[" * 10**5]
    for codec in (f"media:{rest}" for rest in wrong):
        digest = fingerprint(record.cache_key, codec, record.result_data)
        put_rows(registered.metadata, record._replace(serializer=codec, digest=digest))
        assert marked("a") == Badge("a")
    assert registered.stats()["hits"] == 0
