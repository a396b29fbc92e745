"""What a person finds on the page of a value: words, and links."""

from __future__ import annotations

import re
from html import unescape


def words(page: str) -> str:
    """What is read of the value, without the link to its file."""
    start = page.index('class="value"')
    end = page.index('aria-labelledby="', start)
    section = re.sub(r'<nav class="end".*?</nav>', "", page[start:end], flags=re.DOTALL)
    text = " ".join(unescape(re.sub("<[^>]*>", " ", section)).split())
    return text.removeprefix('class="value"> Value ').removesuffix(" <section")


def links(page: str, text: str) -> list[str]:
    """The queries of the links with that text."""
    found = re.findall(r'<a [^>]*href="(\?[^"]*)"[^>]*>([^<]*)</a>', page)
    return [unescape(query) for query, name in found if unescape(name) == text]
