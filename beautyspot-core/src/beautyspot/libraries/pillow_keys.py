"""The form of Pillow images: mode, size, palette, information and pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beautyspot.keys.canonical.text import blob, tag

if TYPE_CHECKING:
    from PIL.Image import Image

    from beautyspot.keys.canonical.walk import Form, Walk


def _image(walk: Walk, value: Image) -> str:
    if getattr(value, "is_animated", False):
        walk.refuse(value, "has several frames: pass its bytes or its path instead, or else")
    head = walk.array([value.mode, list(value.size), value.getpalette(None), value.info])
    return tag("image", f"[{walk.named(type(value))},{head},{blob(value.tobytes())}]")


FAMILIES: Final[dict[str, Form]] = {"PIL.Image:Image": _image}
