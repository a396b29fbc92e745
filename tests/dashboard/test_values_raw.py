"""The raw bytes of values: what a browser gets, as what, and which part of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from beautyspot_dashboard import dashboard
from beautyspot_dashboard.values import soundness
from dashboard.conftest import BROWSER
from dashboard.gallery import Gallery, opened
from starlette.testclient import TestClient

DATA = bytes(range(100))
LARGE = bytes(range(256)) * 40_000  # 10 MB: more than is read before an answer begins


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
        ("bytes=0-0", 206, DATA[:1]),
        ("bytes=10-19", 206, DATA[10:20]),
        ("bytes=90-1000", 206, DATA[90:]),
        ("bytes=-7", 206, DATA[-7:]),
        ("bytes=100-", 416, b""),
        ("bytes=-0", 416, b""),
        ("bytes=9-1", 200, DATA),
        ("bytes=1-2,4-5", 200, DATA),
        ("bytes=1x-2", 200, DATA),
        (f"bytes={'9' * 5000}-", 200, DATA),
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


def test_what_the_browser_has_is_not_sent_again(gallery: Gallery) -> None:
    etag = gallery.get("data").headers["etag"]
    for known, status in ((etag, 304), (f'"a", W/{etag}', 304), ("*", 304), ('"a"', 200)):
        answer = gallery.get("data", if_none_match=known, range="bytes=0-")
        assert answer.status_code == (206 if status == 200 else 304)
    assert gallery.get("data", if_none_match=etag).content == b""


@pytest.mark.parametrize(
    ("content_type", "served"),
    [
        ("image/png", "image/png"),
        ("IMAGE/JPG; q=1", "image/jpeg"),
        ("image/svg+xml", "image/svg+xml"),
        ("video/mp4; codecs=avc1", "video/mp4"),
        ("application/pdf", "application/pdf"),
        ("text/html; charset=utf-7", "text/plain; charset=utf-8"),
        ("text/javascript", "text/plain; charset=utf-8"),
        ("application/json", "text/plain; charset=utf-8"),
        ("application/xhtml+xml", "text/plain; charset=utf-8"),
        ("multipart/x-mixed-replace; boundary=a", None),
        ("image/x-icon", None),
        ("application/octet-stream", None),
    ],
)
def test_a_type_is_one_of_a_short_list(
    gallery: Gallery, content_type: str, served: str | None
) -> None:
    gallery.put(content_type, b"<script>alert(1)</script>", content_type)
    answer = gallery.get(content_type)
    assert answer.headers.get_list("content-type") == [served or "application/octet-stream"]
    how = answer.headers["content-disposition"].partition(";")[0]
    assert how == ("attachment" if served is None else "inline")


def test_stored_bytes_may_do_nothing_in_a_browser(gallery: Gallery) -> None:
    gallery.put("page", "<script>alert(1)</script>", "text/html")
    gallery.put("notes", "# Notes", "text/markdown")
    notes = gallery.client.get(f"{gallery.url('notes')}/markdown")
    page = gallery.client.get(f"{gallery.url('page')}/html")
    for answer in (page, notes, gallery.get("page"), gallery.get("data", range="bytes=0-1")):
        policy = answer.headers["content-security-policy"].split("; ")
        assert policy[:3] == ["default-src 'none'", "style-src 'unsafe-inline'", "img-src data:"]
        assert policy[-1] == "sandbox"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "private, no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("film.mp4", 'inline; filename="film.mp4"'),
        (
            "Größe.png",
            "inline; filename=\"Gr__e.png\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe.png",
        ),
        ('a"b;c.png', 'inline; filename="a_b;c.png"'),
        ("\u202egnp.exe", 'attachment; filename="_gnp.exe"'),
        ("..hidden. ", 'attachment; filename="hidden"'),
        (f"{'n' * 240}.png", f'inline; filename="{"n" * 130}.png"'),
    ],
    ids=range(6),
)
def test_a_name_of_a_file_stays_a_name(gallery: Gallery, name: str, header: str) -> None:
    gallery.put(name, b"content", "file")
    answer = gallery.get(name)
    assert answer.headers["content-disposition"] == header
    assert answer.content == b"content"
    saved = gallery.get(name, "?download=1").headers["content-disposition"]
    assert saved == header.replace("inline", "attachment")


def test_short_bytes_and_text_are_given_without_their_packing(gallery: Gallery) -> None:
    given = {"b": b"\x00\x01", "t": "hällo", "p": b"\x89PNG\r\n\x1a\n..."}
    answers = {}
    for name, value in given.items():
        gallery.put(name, value)
        answers[name] = gallery.get(name)
    contents = [answer.content for answer in answers.values()]
    assert contents == [b"\x00\x01", "hällo".encode(), given["p"]]
    types = [answer.headers["content-type"] for answer in answers.values()]
    assert types == ["application/octet-stream", "text/plain; charset=utf-8", "image/png"]
    gallery.put("tree", {"a": 1})
    tree = gallery.get("tree")
    assert (tree.content, tree.headers["content-type"]) == (
        b"\x81\xa1a\x01",
        "application/octet-stream",
    )


def test_parts_of_what_is_compressed_are_those_of_the_value(tmp_path: Path) -> None:
    with opened(tmp_path, compress="zstd") as gallery:
        gallery.put("text", "hello " * 1000, "text/plain")
        assert gallery.row("text").size < 1000
        answer = gallery.get("text", range="bytes=6-10")
        assert (answer.content, answer.headers["content-range"]) == (b"hello", "bytes 6-10/6000")
        assert gallery.get("text").headers["content-length"] == "6000"


# --------------------------------------------------------------------------------------- damage


def change(gallery: Gallery, name: str, **columns: object) -> None:
    """Change a row behind the back of the store."""
    record = gallery.row(name)
    gallery.spot.flush()
    names = ", ".join(f"{column} = ?" for column in columns)
    with sqlite3.connect(gallery.spot.db_path) as database:
        given = (*columns.values(), record.cache_key)
        database.execute(f"UPDATE tasks SET {names} WHERE cache_key = ?", given)  # noqa: S608
    database.close()


def blob(gallery: Gallery, name: str) -> Path:
    """The file of a value."""
    location = gallery.row(name).result_value
    (found,) = (path for path in gallery.folder.rglob("*") if str(path).endswith(location))
    return found


def damage(gallery: Gallery, name: str) -> None:
    path = blob(gallery, name)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.chmod(0o600)
    path.write_bytes(data)


@pytest.mark.parametrize("wanted", [None, "bytes=0-", "bytes=0-1"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_of_a_small_value_that_is_damaged_nothing_is_given(
    gallery: Gallery, wanted: str | None, method: str
) -> None:
    name = f"bad {wanted} {method}"
    gallery.put(name, DATA, "image/png", save_blob=True)
    damage(gallery, name)
    answer = gallery.get(name, method=method, **({"range": wanted} if wanted else {}))
    assert answer.status_code == 500
    assert method == "HEAD" or "damaged" in answer.text
    assert answer.headers["content-type"].startswith("text/html")
    assert "script-src 'self'" in answer.headers["content-security-policy"]


def test_of_a_missing_blob_it_is_said_that_it_is_gone(gallery: Gallery) -> None:
    gallery.put("gone", DATA, "image/png", save_blob=True)
    blob(gallery, "gone").unlink()
    assert gallery.get("gone").status_code == 410
    assert gallery.get("gone", range="bytes=3-4").status_code == 410


def answered(gallery: Gallery, name: str) -> tuple[bytes, bool]:
    """What is sent of a value, and whether the answer is complete."""
    done: list[bool] = []
    app = dashboard(str(gallery.spot.db_path))

    async def watched(scope: Any, receive: Any, send: Any) -> None:
        async def watching(message: Any) -> None:
            done.append(
                message["type"] == "http.response.body" and not message.get("more_body", False)
            )
            await send(message)

        await app(scope, receive, watching)

    client = TestClient(watched, base_url="http://localhost", headers=BROWSER)
    return client.get(gallery.url(name)).content, any(done)


def test_of_a_large_value_that_is_damaged_the_last_part_is_not_sent(
    gallery: Gallery, caplog: pytest.LogCaptureFixture
) -> None:
    gallery.put("large", LARGE, "image/png", save_blob=True)
    assert answered(gallery, "large") == (LARGE, True)
    damage(gallery, "large")
    sent, is_complete = answered(gallery, "large")
    assert LARGE.startswith(sent)
    assert len(sent) < len(LARGE)
    assert not is_complete
    assert "broke off" in caplog.text


@pytest.mark.parametrize("factor", [8 * 2**20, 10**9])
def test_no_value_of_another_size_than_its_row_says_is_sent_as_whole(
    gallery: Gallery, factor: int
) -> None:
    name = f"size {factor}"
    gallery.put(name, LARGE, "image/png", save_blob=True)
    change(gallery, name, size=factor)
    sent, is_complete = answered(gallery, name)
    assert not is_complete or b"is not given away" in sent


def test_with_a_signing_key_each_value_is_checked_before_a_part_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(soundness, "CHECKED", 50)
    with opened(tmp_path, signing_key="k" * 32) as gallery:
        gallery.put("long", DATA, "audio/wav", save_blob=True)
        gallery.put("fine", DATA, "audio/wav", save_blob=True)
        damage(gallery, "long")
        app = dashboard((), spots=gallery.spot)
        with TestClient(app, base_url="http://localhost", headers=BROWSER) as gallery.client:
            assert gallery.get("long", range="bytes=5-6").status_code == 500
            assert gallery.get("fine", range="bytes=5-6").content == DATA[5:7]


def test_a_result_that_is_not_there_is_a_page_that_says_so(gallery: Gallery) -> None:
    answer = gallery.client.get(f"/store/app/value/{'0' * 32}")
    assert answer.status_code == 404
