"""Which stored types a browser gets as what they are; all others are bytes to be saved."""

from __future__ import annotations

import re
from typing import Final

PICTURES: Final = {
    "image/png": "PNG",
    "image/apng": "APNG",
    "image/jpeg": "JPEG",
    "image/gif": "GIF",
    "image/webp": "WebP",
    "image/avif": "AVIF",
    "image/bmp": "BMP",
    "image/svg+xml": "SVG",
}
SOUNDS: Final = {
    "audio/mpeg": "MP3",
    "audio/ogg": "Ogg",
    "audio/wav": "WAV",
    "audio/flac": "FLAC",
    "audio/aac": "AAC",
    "audio/mp4": "MP4",
    "audio/webm": "WebM",
}
FILMS: Final = {"video/mp4": "MP4", "video/webm": "WebM", "video/ogg": "Ogg"}
SVG: Final = "image/svg+xml"
PDF: Final = "application/pdf"
HTML: Final = "text/html"
MARKDOWN: Final = "text/markdown"
TEXT: Final = "text/plain"
BYTES: Final = "application/octet-stream"

_SHOWN: Final = {*PICTURES, *SOUNDS, *FILMS, PDF}
"""What is served as itself: a browser runs nothing of these, or nothing under our policy."""

_ALIASES: Final = {
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/x-png": "image/png",
    "image/vnd.mozilla.apng": "image/apng",
    "image/x-ms-bmp": "image/bmp",
    "image/x-bmp": "image/bmp",
    "image/svg": "image/svg+xml",
    "audio/mp3": "audio/mpeg",
    "audio/x-mp3": "audio/mpeg",
    "audio/wave": "audio/wav",
    "audio/x-wav": "audio/wav",
    "audio/vnd.wave": "audio/wav",
    "audio/x-flac": "audio/flac",
    "audio/opus": "audio/ogg",
    "audio/x-aac": "audio/aac",
    "audio/m4a": "audio/mp4",
    "audio/x-m4a": "audio/mp4",
    "video/x-m4v": "video/mp4",
    "application/x-pdf": PDF,
    "text/x-markdown": MARKDOWN,
}

_TEXTS: Final = (
    r"text/[^/]+|[^/]+/[^/]+\+(json|xml)|application/(json|xml|yaml|javascript|ecmascript|toml|sql"
    r"|graphql|x-ndjson|jsonl|x-(sh|shellscript|python|python-code|ruby|perl|php|httpd-php|yaml|toml"
    r"|javascript|tex|latex))"
)

_BEGINNINGS: Final = (
    (rb"\x89PNG\r\n\x1a\n", "image/png"),
    (rb"\xff\xd8\xff", "image/jpeg"),
    (rb"GIF8[79]a", "image/gif"),
    (rb"RIFF....WEBP", "image/webp"),
    (rb"....ftypavi[fs]", "image/avif"),
    (rb"BM....\0\0\0\0....[\x0c-\x7c]\0\0\0", "image/bmp"),
    (rb"RIFF....WAVE", "audio/wav"),
    (rb"fLaC", "audio/flac"),
    (rb"ID3[\x02-\x04]", "audio/mpeg"),
    (rb"OggS.{24,300}?(OpusHead|\x01vorbis|\x7fFLAC)", "audio/ogg"),
    (rb"OggS.{24,300}?\x80theora", "video/ogg"),
    (rb"....ftypM4A ", "audio/mp4"),
    (rb"....ftyp(isom|iso[2-9]|mp4[12]|avc1|M4V |dash)", "video/mp4"),
    (rb"\x1a\x45\xdf\xa3.{0,60}?\x42\x82.webm", "video/webm"),
)


def plain_type(content_type: str) -> str:
    """A stored type without its parameters, by its usual name."""
    kind = content_type.partition(";")[0].strip().lower()
    return _ALIASES.get(kind, kind)


def is_text(kind: str) -> bool:
    """Whether values of a type, as `plain_type` gives it, are text to be read."""
    return re.fullmatch(_TEXTS, kind) is not None


def served_type(kind: str) -> str | None:
    """The `Content-Type` under which a browser gets values of a type; None: only to be saved.

    It is never what is stored, but one of a short list. All texts are plain, HTML too.
    """
    if kind in _SHOWN:
        return kind
    return f"{TEXT}; charset=utf-8" if is_text(kind) else None


def sniffed(head: bytes) -> str | None:
    """The type of a picture, a sound or a film, by how its bytes begin."""
    beginnings = (kind for begin, kind in _BEGINNINGS if re.match(begin, head[:400], re.DOTALL))
    return next(beginnings, None)
