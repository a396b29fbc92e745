"""Bytes, for what nothing else shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from beautyspot_dashboard.values import places
from dashboard.gallery import Gallery, opened
from dashboard.reading import links, words

BYTES = bytes(range(256)) * 40


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: Any) -> Iterator[Gallery]:
    with opened(tmp_path_factory.mktemp("hex")) as found:
        found.put("bytes", BYTES)
        found.put("model", BYTES, "application/x-model")
        found.put("nothing", b"", "application/x-model")
        found.put("within", {"data": BYTES})
        found.put("text", b"readable\nbytes")
        found.put("file.rs", b"fn main() {}\n", "file")
        found.put("half", "é".encode() * 3000)
        found.put("almost", b"caf\xe9 au lait")
        found.put("binary", BYTES, "file")
        yield found


@pytest.mark.parametrize(
    ("name", "query"), [("bytes", "?"), ("model", "?"), ("binary", "?"), ("within", "?at=0&")]
)
def test_bytes_come_in_pages(gallery: Gallery, name: str, query: str) -> None:
    page = gallery.page(name, query)
    assert "00000000 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f" in words(page)
    assert "00000040 40 41 42 43 44 45 46 47 48 49 4a 4b 4c 4d 4e 4f @ABCDEFGHIJKLMNO" in words(
        page
    )
    assert "Bytes 0 to 4,095 of 10,240" in words(page)
    last = gallery.page(name, links(gallery.page(name, links(page, "Next")[0]), "Next")[0])
    assert "000027f0 f0 f1" in words(last)
    assert "Bytes 8,192 to 10,239 of 10,240" in words(last)
    assert not links(last, "Next")
    assert "There are no bytes here" in words(gallery.page(name, f"{query}from=99999999"))


def test_no_bytes_are_told(gallery: Gallery) -> None:
    assert "There are no bytes." in words(gallery.page("nothing"))


def test_bytes_that_are_a_text_are_read(gallery: Gallery) -> None:
    page = gallery.page("text")
    assert "readable bytes" in words(page)
    shown = words(gallery.page("text", links(page, "As bytes")[0]))
    assert "72 65 61 64 61 62 6c 65 0a" in shown
    assert "ééé" in words(gallery.page("half"))
    assert "63 61 66 e9 20" in words(gallery.page("almost"))
    assert "main" in words(gallery.page("file.rs"))
    asked = words(gallery.page("model", links(gallery.page("model"), "As text")[0]))
    assert "@ABCDEFGHIJKLMNO" in asked


def test_damaged_bytes_are_not_shown(gallery: Gallery) -> None:
    gallery.put("spoilt", BYTES, "application/x-model", save_blob=True)
    row = gallery.row("spoilt")
    path = next((gallery.folder / "cache").rglob(f"*{row.result_value.rpartition('/')[2]}"))
    path.chmod(0o600)
    path.write_bytes(BYTES[:-1] + b"?")
    assert "00000000" not in words(gallery.page("spoilt"))


def test_of_what_is_very_large_the_beginning_is_shown(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "LARGEST", 5000)
    assert "These are the first 5,000 bytes. 00000000" in words(gallery.page("model", "?as=hex"))
    gallery.put("novel", "word " * 3000, "text/plain")
    assert "These are the first 5,000 bytes. word word" in words(gallery.page("novel"))
    gallery.put("deep", {"text": "word " * 3000})
    assert "Too large: this shows values of up to 5.0 kB" in words(gallery.page("deep"))
