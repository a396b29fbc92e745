"""Texts to be read, and code with its colours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from dashboard.gallery import Gallery, opened
from dashboard.reading import links, words

ANSWER = "Dear reader,\n\nhere is **an answer**:\n\n- one\n- two\n"
LONG = "x" + "é😀éé\n" * 28_000  # which has characters that two parts share

TEXTS = {
    "plain": ("one\ntwo", "text/plain"),
    "latin": (b"caf\xe9\nau lait", "text/plain; charset=iso-8859-1"),
    "wide": ("héé\n1".encode("utf-16"), "text/plain"),
    "broken": (b"a\xff\xffb\n2", "text/plain"),
    "turned": ("if\u202e x\u200d\r\n\ty\x1b[2J", "text/plain"),
    "python": ("def f():\n    return '<b>'  # why\n", "text/x-python"),
    "trojan": ("x = 1 # \u202e y\n", "text/x-python"),
    "yaml": ("a: [1, 2]\n", "application/yaml"),
    "vendor": ('<a b="c"/>\n', "application/x-thing+xml"),
    "nonsense": ("a\nb", "text/x-no-such-language"),
    "long": (LONG, "text/plain"),
    "code": ("x = 1\n" * 30_000, "text/x-python"),
    "nothing": ("", "text/x-python"),
}


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: Any) -> Iterator[Gallery]:
    with opened(tmp_path_factory.mktemp("code")) as found:
        found.put("answer", ANSWER)
        found.put("short", "Paris")
        found.put("empty", "")
        found.put("stored", LONG, save_blob=True)
        found.put("deep", {"choices": [{"text": ANSWER}], "no": 1})
        for name, (text, kind) in TEXTS.items():
            found.put(name, text, kind)
        yield found


def test_stored_text_is_shown_as_markdown(gallery: Gallery) -> None:
    page = gallery.page("plain", links(gallery.page("plain"), "As Markdown")[0])
    assert f'src="{gallery.url("plain")}/markdown"' in page
    assert gallery.get("plain", "/markdown").status_code == 200
    for name, query in [("deep", "?at=$.no"), ("deep", "?at=$.nowhere"), ("code", "")]:
        assert gallery.get(name, f"/markdown{query}").status_code == 404


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("plain", "one two"),
        ("latin", "Bytes that are no characters of UTF-8 are shown as �. caf� au lait"),
        ("wide", "héé 1"),
        ("broken", "shown as �. a��b 2"),
        ("turned", "if\\u202e x\u200d y\\x1b[2J"),
    ],
)
def test_a_stored_text_is_decoded(gallery: Gallery, name: str, shown: str) -> None:
    assert shown in words(gallery.page(name))


@pytest.mark.usefixtures("processes")
def test_code_has_colours_and_line_numbers(gallery: Gallery) -> None:
    page = gallery.page("python")
    assert "Python" in words(page)
    assert 'data-line="1"><span class="tok-k">def</span>' in page
    assert 'data-line="2">' in page
    assert 'data-line="3">' not in page
    assert "'<b>'" in words(page)
    assert '<span class="tok-c1"># why</span>' in page
    assert "XML" in words(gallery.page("vendor"))


def test_nothing_in_code_is_hidden(gallery: Gallery) -> None:
    assert r"\u202e y" in words(gallery.page("trojan"))


@pytest.mark.parametrize("name", ["long", "stored"])
def test_a_long_text_comes_in_parts_without_a_gap(gallery: Gallery, name: str) -> None:
    query, seen = "", ""
    while True:
        page = gallery.page(name, query)
        seen += re.findall('<div class="prose" dir="auto">(.*?)</div>', page, re.DOTALL)[0]
        if not (following := links(page, "Next")):
            break
        query = following[0]
    assert seen == LONG


def test_a_text_is_read_in_its_paragraphs(gallery: Gallery) -> None:
    page = gallery.page("answer")
    assert f'<div class="prose" dir="auto">{ANSWER}</div>' in page
    assert "text · 50 characters · 6 lines" in words(page)
