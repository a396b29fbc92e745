"""The name of a Spot can't lead out of its folder."""

from __future__ import annotations

import os

import pytest
from beautyspot.config.settings import check_name
from beautyspot.errors import ConfigError
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.mark.parametrize(
    "name",
    [
        "a",
        "app",
        "my app",
        "a-b_c+d@e",
        "名前",
        "x" * 100,
        "console",
    ],
)
def test_names(name):
    assert check_name(name) == name


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "it is empty"),
        ("a/b", "it has '/'"),
        ("../a", "it has '/'"),
        ("..", "a dot or space"),
        (".hidden", "a dot or space"),
        ("end.", "a dot or space"),
        ("a\0b", "it has '\\x00'"),
        ("a\u202eb", "it has '\\u202e'"),
        ("\ud800", "it has '\\ud800'"),
        ("C:", "it has ':'"),
        ("a*?", "it has '*' '?'"),
        ("~", "it has '~'"),
        ("x" * 101, "it is too long"),
        ("con", "Windows keeps"),
    ],
)
def test_no_names(name, why):
    with pytest.raises(ConfigError) as caught:
        check_name(name)
    told = str(caught.value)
    assert f"({why}" in told
    assert "use 1 to 100 letters, digits, spaces and the signs - _ . + @" in told
    told.encode()  # printable anywhere


@pytest.mark.parametrize("name", [None, 3, b"app", ["app"]])
def test_a_name_is_a_text(name):
    with pytest.raises(ConfigError, match=f"a text, not {type(name).__name__}"):
        check_name(name)


@settings(deadline=None)
@given(st.text(max_size=20) | st.text("./\\~ ab\0", max_size=6))
def test_no_name_leaves_the_folder(name):
    try:
        check_name(name)
    except ConfigError:
        return
    path = f"/spot/{name}.db"
    assert os.path.normpath(path) == path
