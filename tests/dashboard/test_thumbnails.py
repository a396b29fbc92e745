"""Small pictures for lists."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import Any

import beautyspot as bs
import pytest
from beautyspot_dashboard.values import thumbnails
from dashboard.gallery import Gallery, opened
from PIL import Image


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: Any) -> Iterator[Gallery]:
    with opened(tmp_path_factory.mktemp("thumbnails")) as found:
        yield found


def picture(form: str, mode: str = "RGB", size: tuple[int, int] = (600, 300), **how: Any) -> bytes:
    """A picture in a format."""
    out = io.BytesIO()
    Image.new(mode, size, "red" if mode == "RGB" else 0).save(out, form, **how)
    return out.getvalue()


def small(gallery: Gallery, name: str) -> Any:
    """The answer to a request for a thumbnail."""
    return gallery.client.get(gallery.url(name, "thumbnail"))


def seen(answer: Any) -> tuple[str, tuple[int, int]]:
    """Format and measures of a picture that was sent."""
    assert answer.status_code == 200
    with Image.open(io.BytesIO(answer.content)) as image:
        return answer.headers["content-type"], image.size


@pytest.mark.parametrize(
    ("form", "mode", "content_type"),
    [
        ("PNG", "RGB", "image/jpeg"),
        ("PNG", "RGBA", "image/png"),
        ("PNG", "LA", "image/png"),
        ("PNG", "1", "image/jpeg"),
        ("PNG", "I;16", "image/jpeg"),
        ("JPEG", "RGB", "image/jpeg"),
        ("JPEG", "CMYK", "image/jpeg"),
        ("GIF", "P", "image/jpeg"),
        ("WEBP", "RGBA", "image/png"),
    ],
)
def test_a_picture_is_made_small(gallery: Gallery, form: str, mode: str, content_type: str) -> None:
    name = f"{form} {mode}"
    gallery.put(name, picture(form, mode), f"image/{form.lower()}")
    assert thumbnails.has_thumbnail(gallery.row(name))
    assert seen(small(gallery, name)) == (content_type, (240, 120))


def test_a_photo_stands_as_its_camera_says(gallery: Gallery) -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    gallery.put("photo", picture("JPEG", exif=turned), "image/jpeg")
    assert seen(small(gallery, "photo"))[1] == (120, 240)


def test_a_small_picture_is_its_own_thumbnail(gallery: Gallery) -> None:
    data = picture("GIF", "P", (200, 100))
    gallery.put("icon", data, "image/gif")
    assert small(gallery, "icon").content == data


@pytest.mark.parametrize("content_type", ["image/svg+xml", "image/avif", "image/bmp"])
def test_what_is_not_made_small_is_sent_as_it_is(gallery: Gallery, content_type: str) -> None:
    gallery.put(content_type, b"<svg/>", content_type)
    answer = small(gallery, content_type)
    assert (answer.content, answer.headers["content-type"]) == (b"<svg/>", content_type)
    assert answer.headers["content-security-policy"].endswith("sandbox")
    gallery.put(f"large {content_type}", bytes(1_000_001), content_type)
    assert not thumbnails.has_thumbnail(gallery.row(f"large {content_type}"))
    assert small(gallery, f"large {content_type}").status_code == 404


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("nothing", b""),
        ("text", b"no picture"),
        ("bomb", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", 60_000, 60_000) + bytes(99)),
        ("cut", picture("PNG", "I;16")[:200]),
        ("other", picture("BMP")),
        ("tiff", picture("TIFF")),
        ("eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 300 300\n"),
    ],
)
def test_no_thumbnail_is_no_failure(gallery: Gallery, name: str, data: bytes) -> None:
    gallery.put(name, data, "image/png")
    assert small(gallery, name).status_code == 404


def test_a_picture_of_very_many_scans_is_not_decoded(gallery: Gallery) -> None:
    """Each scan goes over the whole picture: a few kilobytes would take minutes."""
    photo = picture("JPEG", size=(1500, 1500), progressive=True)
    gallery.put("photo", photo, "image/jpeg")
    assert small(gallery, "photo").status_code == 200
    last = photo[photo.rindex(b"\xff\xda") : -2]
    gallery.put("scans", photo[:-2] + last * 500 + photo[-2:], "image/jpeg")
    assert small(gallery, "scans").status_code == 404


@pytest.mark.parametrize(
    ("error", "status", "is_told"),
    [
        (bs.RestoreError("damaged"), 404, False),
        (bs.StorageError("no disk"), 503, True),
        (OSError("broken data stream"), 404, False),
        (RuntimeError("a fault of Pillow"), 404, True),
    ],
)
def test_what_fails_but_damaged_pictures_is_told(
    gallery: Gallery,
    monkeypatch: pytest.MonkeyPatch,
    caplog: Any,
    *,
    error: Any,
    status: int,
    is_told: bool,
) -> None:
    def fail(*_: Any) -> Any:
        raise error

    at = "_scaled" if isinstance(error, bs.BeautyspotError) else "_drawn"
    monkeypatch.setattr(thumbnails, at, fail)
    gallery.put(f"fails {error}", picture("PNG"), "image/png")
    assert small(gallery, f"fails {error}").status_code == status
    assert bool(caplog.records) == is_told
