"""Pictures, sounds and a film for tests, made without a file of anybody's."""

from __future__ import annotations

import io
import math
import struct
import wave
from collections.abc import Iterable

from PIL import Image, ImageDraw


def picture(width: int, height: int, format: str = "PNG") -> bytes:
    """Coloured stripes, with a disc in the middle."""
    image = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(image)
    for x in range(0, width, 8):
        draw.rectangle((x, 0, x + 7, height), fill=(255 * x // width, 90, 255 - 255 * x // width))
    third = min(width, height) // 3
    middle = (width // 2, height // 2)
    draw.ellipse(
        (middle[0] - third, middle[1] - third, middle[0] + third, middle[1] + third), fill="white"
    )
    out = io.BytesIO()
    image.save(out, format)
    return out.getvalue()


def sound(seconds: int) -> bytes:
    """A tone of 440 Hz, as WAV: 16 kB a second."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        tone = [int(6000 * math.sin(2 * math.pi * 440 * n / 8000)) for n in range(8000)]
        file.writeframes(struct.pack("<8000h", *tone) * seconds)
    return out.getvalue()


def film(frames: int = 20) -> bytes:
    """A tenth of a second for each frame, as WebM: a lossy WebP picture is a frame of VP8."""
    width, height = 96, 64
    head = _of("1A45DFA3", _number("4286", 1), _text("4282", "webm"), _number("4287", 2))
    info = _of(
        "1549A966",
        _number("2AD7B1", 1_000_000),
        _part("4489", struct.pack(">d", 100.0 * frames)),
        _text("4D80", "tests"),
        _text("5741", "tests"),
    )
    size = _of("E0", _number("B0", width), _number("BA", height))
    kind = [_number("D7", 1), _number("73C5", 1), _number("83", 1), _text("86", "V_VP8"), size]
    blocks = [
        _part("A3", b"\x81" + struct.pack(">h", 100 * number) + b"\x80" + _vp8(width, height))
        for number in range(frames)
    ]
    cluster = _of("1F43B675", _number("E7", 0), *blocks)
    return head + _of("18538067", info, _of("1654AE6B", _of("AE", *kind)), cluster)


def _vp8(width: int, height: int) -> bytes:
    webp = picture(width, height, "WEBP")
    start = webp.index(b"VP8 ")
    (length,) = struct.unpack_from("<I", webp, start + 4)
    return webp[start + 8 : start + 8 + length]


def _part(name: str, data: bytes) -> bytes:
    return bytes.fromhex(name) + struct.pack(">Q", len(data) | 1 << 56) + data


def _of(name: str, *parts: bytes) -> bytes:
    return _part(name, b"".join(parts))


def _number(name: str, number: int) -> bytes:
    return _part(name, number.to_bytes(4, "big"))


def _text(name: str, text: str) -> bytes:
    return _part(name, text.encode())


def pdf(text: str) -> bytes:
    """A page that says a text."""
    drawn = f"BT /F1 24 Tf 40 90 Td ({text}) Tj ET".encode()
    objects: Iterable[bytes] = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        (
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 150] /Contents 4 0 R "
            b"/Resources << /Font << /F1 5 0 R >> >> >>"
        ),
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawn), drawn),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    )
    out, starts = b"%PDF-1.4\n", []
    for number, each in enumerate(objects, 1):
        starts.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % start for start in starts)
    end = b"trailer << /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % len(out)
    return out + b"xref\n0 6\n0000000000 65535 f \n" + table + end
