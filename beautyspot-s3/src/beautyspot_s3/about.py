"""What is told about a blob, as metadata of its object.

S3 takes 2 KB of names and values, which travel as headers: so all texts are in one value, in ASCII,
as a query string is written (https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, quote, urlencode

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME: Final = "beautyspot"
"""The one name that an object's metadata gets, behind ``x-amz-meta-``."""

LARGEST: Final = 2048 - len(NAME)
"""Bytes of its value."""


def metadata_of(about: Mapping[str, str]) -> dict[str, str]:
    """The metadata of an object; what does not fit is left out, and all that follows."""
    kept = urlencode(about, quote_via=quote, safe=":/,", errors="surrogatepass")
    if len(kept) > LARGEST:
        kept = kept[: LARGEST + 1].rpartition("&")[0]
    return {NAME: kept} if kept else {}


def told_in(metadata: Mapping[str, str]) -> dict[str, str]:
    """What such metadata tells; nothing where there is none, or others wrote it."""
    for name, text in metadata.items():
        if name.lower() == NAME:  # some servers change the case of names
            try:
                return dict(parse_qsl(text, keep_blank_values=True, errors="surrogatepass"))
            except ValueError:
                return {}
    return {}
