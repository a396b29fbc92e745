"""Pictures, sounds, films and documents on the page of their result."""

from __future__ import annotations

import io
import re
import struct
import wave
from collections.abc import Iterator
from typing import Any

import pytest
from beautyspot_dashboard.values.child import markdown
from beautyspot_dashboard.values.media_types import sniffed
from dashboard.gallery import Gallery, opened
from dashboard.test_values_raw import change, damage

SVG = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def png(width: int = 3, height: int = 2) -> bytes:
    """The beginning of a PNG."""
    return b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", width, height) + bytes(9)


def tone(seconds: float = 0.01) -> bytes:
    """A WAV."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(int(16000 * seconds)))
    return out.getvalue()


class Badge:
    """An instance of a registered class whose form is a file."""


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: Any) -> Iterator[Gallery]:
    with opened(tmp_path_factory.mktemp("media")) as found:
        yield found


def tag(page: str, name: str) -> str:
    """The first element of a name within the value; "" where there is none."""
    value = page[page.index('id="value-heading"') :]
    found = re.search(rf"<{name}\b[^>]*>", value)
    return found[0] if found else ""


def test_a_picture_says_what_it_shows(gallery: Gallery) -> None:
    gallery.put("draw", png(640, 400), "image/png")
    page = gallery.page("draw")
    image = tag(page, "img")
    assert f'src="{gallery.url("draw")}"' in image
    assert 'alt="Result of draw: ' in image
    assert "picture (PNG)" in page


@pytest.mark.parametrize("folder", [False, True])
def test_the_file_of_a_registered_class_is_shown(gallery: Gallery, folder: bool) -> None:
    gallery.spot.register(Badge, encode=lambda _: (png(4, 5), "image/png"), decode=lambda _: 1)
    gallery.put(f"badge {folder}", Badge(), None, save_blob=folder)
    page = gallery.page(f"badge {folder}")
    assert f'src="{gallery.url(f"badge {folder}")}"' in tag(page, "img")
    assert "picture (PNG)" in page
    answer = gallery.get(f"badge {folder}")
    assert (answer.content, answer.headers["content-type"]) == (png(4, 5), "image/png")


def test_an_svg_is_only_ever_an_image(gallery: Gallery) -> None:
    gallery.put("logo", SVG, "image/svg+xml")
    page = gallery.page("logo")
    assert "alert(1)" not in page
    assert tag(page, "img")
    source = gallery.page("logo", "?as=text")
    assert "alert" in source
    assert not tag(source, "script")


@pytest.mark.parametrize(
    ("name", "content_type", "element", "kind"),
    [
        ("tone.wav", "file", "audio", "sound (WAV)"),
        ("tone", "audio/x-wav", "audio", "sound (WAV)"),
        ("film.webm", "file", "video", "film (WebM)"),
        ("film", "video/mp4; codecs=avc1", "video", "film (MP4)"),
    ],
)
def test_sounds_and_films_are_played_from_their_bytes(
    gallery: Gallery, name: str, content_type: str, element: str, kind: str
) -> None:
    gallery.put(name, tone(), content_type)
    page = gallery.page(name)
    player = tag(page, element)
    assert f'controls preload="metadata" src="{gallery.url(name)}"' in player.replace(
        " playsinline", ""
    )
    assert "aria-label=" in player
    assert kind in page


@pytest.mark.parametrize("size", [10, 70_000])
def test_bytes_of_no_type_are_shown_as_what_they_begin_as(gallery: Gallery, size: int) -> None:
    gallery.put(f"bytes {size}", png() + bytes(size))
    assert tag(gallery.page(f"bytes {size}"), "img")
    assert gallery.get(f"bytes {size}").headers["content-type"] == "image/png"


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (png(), "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"RIFF\1\2\3\4WEBPVP8 ", "image/webp"),
        (b"\0\0\0\x20ftypavif", "image/avif"),
        (tone(), "audio/wav"),
        (b"OggS" + bytes(24) + b"OpusHead", "audio/ogg"),
        (b"OggS" + bytes(24) + b"\x80theora", "video/ogg"),
        (b"\0\0\0\x20ftypisom", "video/mp4"),
        (b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\1\x42\x82\x84webm", "video/webm"),
        (b"%PDF-1.7", None),
        (b"<html>", None),
        (b"BM, a car", None),
        (b"", None),
    ],
)
def test_only_pictures_and_recordings_are_known_by_their_bytes(
    head: bytes, kind: str | None
) -> None:
    assert sniffed(head) == kind


def test_html_is_in_a_frame_without_scripts(gallery: Gallery) -> None:
    gallery.put("report", "<h1>Report</h1><script>alert(1)</script>", "text/html")
    page = gallery.page("report")
    frame = tag(page, "iframe")
    assert f'sandbox src="{gallery.url("report")}/html"' in frame
    assert "title=" in frame
    assert "alert(1)" not in page
    assert "alert" in gallery.page("report", "?as=text")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<p>a < b</p>", "<p>a < b</p>"),
        ("<IFrame src=//x></iframe>", "<off-IFrame src=//x></off-iframe>"),
        ("<frameset><frame src=//x>", "<off-frameset><off-frame src=//x>"),
        ("\ufeff<svg><foreignObject><iframe>", "<svg><foreignObject><off-iframe>"),
        ("<LINK/href=//x\n><link>", "<basefont/href=//x\n><basefont>"),
    ],
)
def test_html_has_nothing_to_connect_to(gallery: Gallery, text: str, shown: str) -> None:
    gallery.put(text, text, "text/html")
    answer = gallery.client.get(f"{gallery.url(text)}/html")
    assert (answer.text, answer.headers["content-type"]) == (shown, "text/html; charset=utf-8")


def test_html_that_is_too_long_is_shown_as_its_source(gallery: Gallery) -> None:
    gallery.put("book", "<p>" * 3_400_000, "text/html")
    gallery.put("sketch", SVG, "image/svg+xml")
    assert not tag(gallery.page("book"), "iframe")
    for name, route in (("book", "html"), ("sketch", "html")):
        assert gallery.client.get(f"{gallery.url(name)}/{route}").status_code == (
            413 if name == "book" else 404
        )


def test_a_recording_that_is_opened_has_a_player(gallery: Gallery) -> None:
    gallery.put("song", tone(), "audio/wav")
    page = gallery.get("song", sec_fetch_dest="document").text
    assert f'<audio controls preload="metadata" src="{gallery.url("song")}"' in page
    for as_what in ("audio", "video"):
        assert gallery.get("song", sec_fetch_dest=as_what, range="bytes=0-").content == tone()


def test_markdown_is_a_page_of_its_own_in_a_frame(gallery: Gallery) -> None:
    gallery.put("notes", "# Notes\n\nhällo <b>", "text/markdown")
    src = f"{gallery.url('notes')}/markdown"
    assert f'sandbox src="{src}"' in tag(gallery.page("notes"), "iframe")
    text = gallery.client.get(src).text
    assert "<h1>Notes</h1>" in text
    assert "hällo &lt;b&gt;" in text
    gallery.put("other", png(), "image/png")
    assert gallery.client.get(f"{gallery.url('other')}/markdown").status_code == 404


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("<script>alert(1)</script>", "&lt;script&gt;"),
        ("[a](javascript:alert(1))", "<p>[a](javascript:alert(1))</p>"),
        ("[a](data:text/html,x)", "<p>[a](data:text/html,x)</p>"),
        ("[a](https://x/)", '<a href="https://x/" rel="noreferrer noopener" target="_top">'),
        (
            "![a](https://x/p.png)",
            '<span class="off" title="https://x/p.png">a (not loaded)</span>',
        ),
        ('![a"<b>](x "t")', '<span class="off" title="x">a&quot;&lt;b&gt; (not loaded)</span>'),
        ("![a](data:image/png;base64,AA==)", '<img src="data:image/png;base64,AA==" alt="a" />'),
        ("![a](data:image/svg+xml,x)", "<p>![a](data:image/svg+xml,x)</p>"),
        ("~~a~~", "<s>a</s>"),
    ],
)
def test_markdown_brings_no_html_of_its_own_and_loads_nothing(text: str, html: str) -> None:
    assert html in markdown(text.encode()).decode()


def test_a_pdf_is_opened_when_it_is_asked_for(gallery: Gallery) -> None:
    gallery.put("invoice", b"%PDF-1.4", "application/pdf")
    page = gallery.page("invoice")
    assert not tag(page, "iframe")
    assert "?as=pdf" in page
    assert f'src="{gallery.url("invoice")}"' in tag(gallery.page("invoice", "?as=pdf"), "iframe")


# ------------------------------------------------------------------------------------ unreadable


@pytest.mark.parametrize(
    ("columns", "message", "has_bytes"),
    [
        ({"serializer": "frozen"}, "damaged", False),
        ({"serializer": "file:nothing"}, "no sound name", False),
        ({"result_type": "FILE", "result_value": "gone.png"}, "gone from the storage", False),
    ],
)
def test_what_can_not_be_read_says_what_to_do(
    gallery: Gallery, columns: dict[str, Any], message: str, has_bytes: bool
) -> None:
    name = f"broken {message}"
    gallery.put(name, {"a": 1})
    change(gallery, name, **columns)
    page = gallery.page(name)
    assert message in page
    assert ("Download (" in page) is has_bytes


def test_html_in_another_coding_is_no_way_around(gallery: Gallery) -> None:
    gallery.put("wide", "<iframe>".encode("utf-16"), "text/html")
    answer = gallery.client.get(f"{gallery.url('wide')}/html")
    assert not answer.content.startswith((b"\xff\xfe", b"\xfe\xff"))


def test_a_damaged_picture_is_not_shown_and_said_to_be_so(gallery: Gallery) -> None:
    gallery.put("bad", png(), "image/png", save_blob=True)
    damage(gallery, "bad")
    page = gallery.page("bad")
    assert not tag(page, "img")
    assert "the result is damaged" in page
    assert "the next call computes it again" in page
    assert "Download (" not in page
