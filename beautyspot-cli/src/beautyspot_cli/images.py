"""Images in terminals that show images: by iTerm2's protocol or kitty's.

The environment says which terminal it is. Inside tmux and screen, which pass neither on, and in a
pipe nothing is shown.
"""

from __future__ import annotations

import os
from base64 import b64encode
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

Protocol = Literal["iterm2", "kitty"]

LARGEST: Final = 20_000_000
"""Bytes: a larger image is not sent to a terminal."""

_CHUNK: Final = 4096  # of base64, as kitty's protocol bounds it


def protocol() -> Protocol | None:
    """What the terminal speaks; None if it shows no images, as far as the environment says."""
    env = os.environ
    if "TMUX" in env or env.get("TERM", "").startswith(("screen", "tmux")):
        return None
    program = env.get("TERM_PROGRAM", "")
    if program in ("iTerm.app", "WezTerm", "mintty") or env.get("LC_TERMINAL") == "iTerm2":
        return "iterm2"
    if "KITTY_WINDOW_ID" in env or env.get("TERM") == "xterm-kitty" or program == "ghostty":
        return "kitty"
    return None


def shows(content_type: str) -> bool:
    """Whether this terminal shows images of this type; kitty takes PNG alone."""
    spoken = protocol()
    return content_type.startswith("image/") and (
        spoken == "iterm2" or (spoken == "kitty" and content_type == "image/png")
    )


def drawn(data: bytes) -> str:
    """What to write to the terminal for it to show the image."""
    coded = b64encode(data).decode("ascii")
    if protocol() == "iterm2":
        return f"\x1b]1337;File=inline=1;size={len(data)}:{coded}\x07\n"
    return "".join(_kitty(coded)) + "\n"


def _kitty(coded: str) -> Iterator[str]:
    for start in range(0, len(coded), _CHUNK):
        more = int(start + _CHUNK < len(coded))
        first = "a=T,f=100," if start == 0 else ""
        yield f"\x1b_G{first}m={more};{coded[start : start + _CHUNK]}\x1b\\"
