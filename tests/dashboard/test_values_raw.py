"""The raw bytes of values: what a browser gets, as what, and which part of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from dashboard.gallery import opened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashboard.gallery import Gallery

DATA = bytes(range(100))


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: Any) -> Iterator[Gallery]:
    with opened(tmp_path_factory.mktemp("raw")) as found:
        found.put("data", DATA, "image/png")
        yield found


@pytest.mark.parametrize(
    ("wanted", "status", "got"),
    [
        (None, 200, DATA),
        ("bytes=0-", 206, DATA),
        ("bytes=0-99", 206, DATA),
        ("bytes=0-0", 206, DATA[:1]),
        ("bytes=10-19", 206, DATA[10:20]),
        ("bytes=90-", 206, DATA[90:]),
        ("bytes=90-1000", 206, DATA[90:]),
        ("bytes=-7", 206, DATA[-7:]),
        ("bytes=-1000", 206, DATA),
        ("bytes = 1-2 ", 206, DATA[1:3]),
        ("bytes=100-", 416, b""),
        ("bytes=-0", 416, b""),
        ("bytes=999999999999999999-", 416, b""),
        ("bytes=9-1", 200, DATA),
        ("bytes=-", 200, DATA),
        ("bytes=1-2,4-5", 200, DATA),
        ("bytes=1x-2", 200, DATA),
        ("bytes=\u00b9-2", 200, DATA),
        (f"bytes={'9' * 5000}-", 200, DATA),
        ("items=0-1", 200, DATA),
        ("", 200, DATA),
    ],
    ids=lambda each: each[:24] if isinstance(each, str) else "",
)
def test_a_range_is_answered_by_its_bytes(
    gallery: Gallery, wanted: str | None, status: int, got: bytes
) -> None:
    answer = gallery.get("data", **({} if wanted is None else {"range": wanted.encode("latin-1")}))
    assert (answer.status_code, answer.content) == (status, got)
    assert answer.headers["content-length"] == str(len(got))
    assert answer.headers["accept-ranges"] == "bytes"
    if status == 206:
        start = DATA.index(got)
        assert answer.headers["content-range"] == f"bytes {start}-{start + len(got) - 1}/100"
    elif status == 416:
        assert answer.headers["content-range"] == "bytes */100"
