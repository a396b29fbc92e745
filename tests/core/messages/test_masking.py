"""Secrets in texts and tables are masked, and nothing else is."""

from __future__ import annotations

import pytest
from beautyspot.messages import masked, without
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("s3://bucket/cache", "s3://bucket/cache"),
        ("s3://bucket/a@b", "s3://bucket/a@b"),
        ("s3://KEY:SECRET@bucket/x", "s3://***@bucket/x"),
        ("redis://:pw@host:6379/0", "redis://***@host:6379/0"),
        ("redis://host:6379/a@b", "redis://host:6379/a@b"),
        ("redis://token@host", "redis://***@host"),
        ("valkey://:pw@host:6379/0", "valkey://***@host:6379/0"),
        (
            "these: valkey://, valkeys+cluster://, redis://",
            "these: valkey://, valkeys+cluster://, redis://",
        ),
        ("x://u:p/w@host/a", "x://***@host/a"),
        ("x://u:p?w@host/a", "x://***@host/a"),
        ("x://h?password=a&b=c", "x://h?password=***&b=c"),
        ("x://h?b=c&aws_secret_access_key=a/b+c", "x://h?b=c&aws_secret_access_key=***"),
        ("x://h?b=c;Session_Token=a", "x://h?b=c;Session_Token=***"),
        ("x://h?X-Amz-Signature=abc#f", "x://h?X-Amz-Signature=***#f"),
        ("https://h/b?sv=2024&sig=a%2Bb%3D&se=1", "https://h/b?sv=2024&sig=***&se=1"),
        ("x://h?access_token=abc&key=def", "x://h?access_token=***&key=***"),
        ("Authorization: Bearer abcdefgh", "Authorization: ***"),
        ("-H 'Authorization: Token abcdefgh' x", "-H 'Authorization: ***' x"),
        ("https://h/#access_token=abc&n=1", "https://h/#access_token=***&n=1"),
        ("passphrase=abc pw=abc", "passphrase=*** pw=***"),
        ("no access with sk-proj-0123456789", "no access with ***"),
        ("x://h?design=abc&single=1", "x://h?design=abc&single=1"),
        ("x://h?client_credentials=abc", "x://h?client_credentials=***"),
        ("{use = 's3', secret_key = 'a b'}", "{use = 's3', secret_key = ***}"),
        ('{"api_key": "a b", "n": 1}', '{"api_key": ***, "n": 1}'),
        ("host=h password=abc", "host=h password=***"),
        ("can't log in: host=h password = 'a b'", "can't log in: host=h password = ***"),
        ("password: abc", "password: ***"),
        ("n: 1\npassword: abc", "n: 1\npassword: ***"),
        ("{n: 1, password: abc}", "{n: 1, password: ***}"),
        ("the header x-api-key: abc is bad", "the header x-api-key: *** is bad"),
        ("say token:abc", "say token:***"),
        ("", ""),
    ],
)
def test_masked_texts(text, shown):
    assert masked(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "a hook has the wrong signature: Argument(s) {'args'} are declared",
        "it raised KeyError: 'args' (/site/foo.py, line 3)",
        "there is no such key: look again",
        "a token : that is a word",
        "two secrets: one and two",
    ],
)
def test_prose_is_left_alone(text):
    assert masked(text) == text


def test_masked_tables():
    table = {
        "use": "x://u:p@h",
        "api_key": "a",
        "token": 5,
        "password": None,
        "kwargs": {"aws_secret_access_key": "s", "region": "eu"},
        "secrets": {"a": "plain", "pwd": "x"},
        "urls": ["x://u:p@h", 3],
        "n": 1,
    }
    assert masked(table) == {
        "use": "x://***@h",
        "api_key": "***",
        "token": "***",
        "password": None,
        "kwargs": {"aws_secret_access_key": "***", "region": "eu"},
        "secrets": "***",
        "urls": ["x://***@h", 3],
        "n": 1,
    }
    assert table["api_key"] == "a"


BEGINNINGS = [
    "gsk_",
    "r8_",
    "pplx-",
    "pypi-",
    "xapp-",
]


@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_tokens_of_common_services_are_masked_in_plain_texts(beginning):
    token = f"{beginning}{'aB3dE6gH9' * 4}"
    assert masked(f"use {token}, please") == "use ***, please"
    assert masked(f"use {beginning}table, please") == f"use {beginning}table, please"


_word = st.text("abcdefgXYZ0189", min_size=8, max_size=12).map(lambda text: f"Q{text}Q")


@settings(deadline=None)
@given(
    _word,
    _word,
    st.sampled_from(["s3", "https", "a+b"]),
    st.sampled_from(["key", "TOKEN", "x_secret"]),
)
def test_no_secret_ever_shows(user, password, scheme, key):
    url = f"{scheme}://{user}:{password}@host/path?a=1&{key}={password}&b=2"
    shown = masked(f"can't open {url!r}: sorry")
    assert user not in shown
    assert password not in shown
    assert "host/path?a=1&" in shown


def test_secrets_of_a_table_leave_any_text():
    secrets = {
        "token": "abc",
        "n": {"keys": {"user": "xyz"}, "plain": "u"},
        "password": "",
        "pwd": 5,
        "region": "eu",
    }
    assert without("abc and xyz in eu: u, x://u:p@h", secrets) == "*** and *** in eu: u, x://***@h"
