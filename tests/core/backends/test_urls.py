"""URLs that select a backend, taken apart."""

from __future__ import annotations

import pytest
from beautyspot.backends.selection import is_url, parse_url
from beautyspot.errors import ConfigError


def test_the_parts_of_a_url():
    url = parse_url("S3://Bucket/a/b?x=1&y=a%26b&z=")
    assert url == ("s3", "S3://Bucket/a/b", {"x": "1", "y": "a&b", "z": ""})
    assert parse_url("s3://b")[2] == {}


@pytest.mark.parametrize("text", ["s3", "C:\\x", "s3:x", "", "://x", "1s3://x"])
def test_what_is_no_url(text):
    assert not is_url(text)
    with pytest.raises(ConfigError, match="is no URL"):
        parse_url(text)
