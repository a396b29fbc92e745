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
        "नमस्ते",
        "x" * 100,
        "console",
    ],
)
def test_names(name):
    assert check_name(name) == name


NO_NAMES = [
    *("", "a/b", "../a", "..", ".hidden", "end.", " a", "a\0b", "a\u202eb", "\ud800", "C:", "a*?"),
    *("~", "x" * 101, "名" * 100, "con", "NUL.txt", "Lpt1 .x", "a\n", None, 3, b"app", ["app"]),
]


@pytest.mark.parametrize("name", NO_NAMES)
def test_no_names(name):
    with pytest.raises(ConfigError) as caught:
        check_name(name)
    told = str(caught.value)
    assert "Use 1 to 100 letters, digits, spaces and the signs - _ . + @" in told
    assert ("directory=" in told) == ("/" in str(name))
    told.encode()  # printable anywhere


@settings(deadline=None)
@given(st.text(max_size=20) | st.text("./\\~ ab\0", max_size=6))
def test_no_name_leaves_the_folder(name):
    try:
        check_name(name)
    except ConfigError:
        return
    path = f"/spot/{name}.db"
    assert os.path.normpath(path) == path
