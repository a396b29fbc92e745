"""Pictures in terminals that show pictures, and the bytes of a result in a file."""

from __future__ import annotations

import base64
import re

import pytest
from beautyspot_cli import images

VARIABLES = ("TERM", "TERM_PROGRAM", "LC_TERMINAL", "KITTY_WINDOW_ID", "TMUX")


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in request.param.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    ("terminal", "spoken"),
    [
        ({"TERM_PROGRAM": "iTerm.app"}, "iterm2"),
        ({"LC_TERMINAL": "iTerm2"}, "iterm2"),
        ({"TERM": "xterm-kitty"}, "kitty"),
        ({"KITTY_WINDOW_ID": "1"}, "kitty"),
        ({"TERM": "xterm-256color"}, None),
        ({"TERM_PROGRAM": "iTerm.app", "TMUX": "/x"}, None),
        ({"LC_TERMINAL": "iTerm2", "TERM": "screen"}, None),
        ({}, None),
    ],
    indirect=["terminal"],
)
def test_the_environment_says_what_a_terminal_shows(terminal: None, spoken: str | None) -> None:
    assert images.protocol() == spoken
    assert images.shows("image/png") == (spoken is not None)
    assert images.shows("image/jpeg") == (spoken == "iterm2")
    assert not images.shows("text/html")


@pytest.mark.parametrize("terminal", [{"TERM_PROGRAM": "iTerm.app"}], indirect=True)
def test_iterm2_is_given_the_picture_in_one_piece(terminal: None) -> None:
    found = re.fullmatch(r"\x1b\]1337;File=inline=1;size=4:(.*)\x07\n", images.drawn(b"\x89PNG"))
    assert found is not None
    assert base64.b64decode(found[1]) == b"\x89PNG"


@pytest.mark.parametrize("terminal", [{"TERM": "xterm-kitty"}], indirect=True)
@pytest.mark.parametrize("size", [1, 3072, 3073, 10_000])
def test_kitty_is_given_the_picture_in_pieces(terminal: None, size: int) -> None:
    data = bytes(range(250)) * 40
    pieces = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", images.drawn(data[:size]))
    assert base64.b64decode("".join(piece for _, piece in pieces)) == data[:size]
    assert [control[-1] for control, _ in pieces] == ["1"] * (len(pieces) - 1) + ["0"]
    assert pieces[0][0].startswith("a=T,f=100,")
    assert max(len(piece) for _, piece in pieces) <= 4096
