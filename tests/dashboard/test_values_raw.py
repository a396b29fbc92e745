"""The raw bytes of values: what a browser gets, as what, and which part of it."""

from __future__ import annotations

import os
import sqlite3
import time
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from beautyspot import Spot
from beautyspot_dashboard import dashboard
from beautyspot_dashboard.values import files
from dashboard.conftest import BROWSER
from dashboard.gallery import Gallery, opened
from starlette.testclient import TestClient

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
        ("bytes=0-0", 206, DATA[:1]),
        ("bytes=10-19", 206, DATA[10:20]),
        ("bytes=-7", 206, DATA[-7:]),
        ("bytes=100-", 416, b""),
    ],
)
def test_a_range_is_answered_by_its_bytes(
    gallery: Gallery, wanted: str | None, status: int, got: bytes
) -> None:
    answer = gallery.get("data", **({} if wanted is None else {"range": wanted}))
    assert (answer.status_code, answer.content) == (status, got)
    if status == 206:
        start = DATA.index(got)
        assert answer.headers["content-range"] == f"bytes {start}-{start + len(got) - 1}/100"


def test_a_part_is_given_of_the_same_value_only(gallery: Gallery) -> None:
    etag = gallery.get("data").headers["etag"]
    files._known.popitem()[1].path.unlink()
    for known, status in ((etag, 206), ('"other"', 200)):
        assert gallery.get("data", range="bytes=1-2", if_range=known).status_code == status


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
            "inline; filename*=utf-8''Gr%C3%B6%C3%9Fe.png",
        ),
        ('a"b;c.png', "inline; filename*=utf-8''a_b%3Bc.png"),
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
    assert answer.status_code == 503
    assert method == "HEAD" or "damaged" in answer.text
    assert answer.headers["content-type"].startswith("text/html")
    assert "script-src 'self'" in answer.headers["content-security-policy"]


def test_of_a_missing_blob_it_is_said_that_it_is_gone(gallery: Gallery) -> None:
    gallery.put("gone", DATA, "image/png", save_blob=True)
    blob(gallery, "gone").unlink()
    assert gallery.get("gone").status_code == 503
    assert gallery.get("gone", range="bytes=3-4").status_code == 503


@pytest.fixture
def copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files, in which nothing was copied yet."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(files, "_folders", [])
    return tmp_path


def test_a_value_is_read_once_into_a_file_that_is_private(gallery: Gallery, copies: Path) -> None:
    old, young = (copies / f"beautyspot-dashboard-{name}" for name in ("old", "young"))
    old.mkdir()
    young.mkdir()
    os.utime(old, (time.time() - 100_000,) * 2)
    gallery.put("once", DATA, "audio/wav", save_blob=True)
    assert gallery.get("once").content == DATA
    blob(gallery, "once").unlink()
    assert gallery.get("once", range="bytes=5-6").content == DATA[5:7]
    assert "<audio" in gallery.page("once")
    assert young.exists()
    assert not old.exists()
    (ours,) = set(copies.iterdir()) - {young}
    (copy,) = ours.iterdir()
    assert (ours.stat().st_mode & 0o777, copy.stat().st_mode & 0o777) == (0o700, 0o600)
    copy.unlink()  # as systems do with old files in /tmp
    assert gallery.get("once").status_code == 503


def test_copies_have_so_much_room(
    gallery: Gallery, copies: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_known", OrderedDict())
    monkeypatch.setattr(files, "_ROOM", 250)
    for number in range(5):
        gallery.put(f"room {number}", DATA + bytes([number]), "image/png")
        gallery.get(f"room {number}")
    (ours,) = copies.iterdir()
    assert len(list(ours.iterdir())) == 3
    assert gallery.get("room 0").content == DATA + b"\0"
    monkeypatch.setattr(files, "LARGEST_COPY", 50)
    gallery.put("too much", DATA, "image/png")
    assert gallery.get("too much").status_code == 413
    gallery.put("spoilt", DATA[:40], "image/png", save_blob=True)
    damage(gallery, "spoilt")
    assert gallery.get("spoilt").status_code == 503
    page = gallery.page("too much")
    assert "beautyspot show KEY --out FILE" in page
    assert "Download (" not in page
    assert len(list(ours.iterdir())) == 3


def test_with_a_signing_key_no_other_value_is_given(tmp_path: Path) -> None:
    with opened(tmp_path, signing_key="k" * 32) as gallery:
        gallery.put("fine", DATA, "audio/wav", save_blob=True)
        for keys in ({}, {"signing_key": "other" * 8}):
            with Spot("app", directory=tmp_path / "cache", config=False, **keys) as spot:
                app = dashboard((), spots=spot)
                with TestClient(app, base_url="http://localhost", headers=BROWSER) as client:
                    status = client.get(gallery.url("fine")).status_code
                    assert status == (503 if keys else 200)
        app = dashboard((), spots=gallery.spot)
        with TestClient(app, base_url="http://localhost", headers=BROWSER) as gallery.client:
            assert gallery.get("fine", range="bytes=5-6").content == DATA[5:7]


def test_a_result_that_is_not_there_is_a_page_that_says_so(gallery: Gallery) -> None:
    answer = gallery.client.get(f"/store/app/value/{'0' * 32}")
    assert answer.status_code == 404


def test_without_room_it_is_said_what_to_do(
    gallery: Gallery, copies: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(copies / "nowhere"))
    gallery.put("unlucky", DATA, "image/png")
    page = gallery.page("unlucky")
    assert "make room for temporary files, or set TMPDIR" in page
    assert gallery.get("unlucky").status_code == 503
