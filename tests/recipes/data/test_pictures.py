"""Pictures, sound and film: made once, and stored as files that viewers open."""

from __future__ import annotations

import shutil
import wave
from pathlib import Path

import beautyspot as bs
from PIL import Image
from recipes.data.conftest import Copied


def test_each_is_made_once_and_opens_as_what_it_is(copied: Copied) -> None:
    copied.copy("pictures.py")
    photos = copied.folder / "photos"
    assert copied.ran("pictures.py") == [*["thumbnail"] * 3, "sheet", "tone", "film"]
    shutil.move(photos / "2.png", photos / "3.png")
    said = copied.run("pictures.py")
    jpeg, wav, gif = (Path(line.removeprefix("open: ")) for line in said)
    with Image.open(jpeg) as sheet, Image.open(gif) as film, wave.open(str(wav)) as sound:
        assert (sheet.format, sheet.size) == ("JPEG", (3 * 128, 128))
        assert (film.format, film.n_frames) == ("GIF", 3)  # type: ignore[attr-defined]
        assert sound.getnframes() == 22_050
    with bs.open_store(copied.folder / ".beautyspot") as store:
        types = sorted(str(row.content_type) for row in store.rows())
    assert types == ["audio/wav", "image/gif", "image/jpeg", *["image/png"] * 3]
    Image.new("RGB", (9, 9)).save(photos / "4.png")
    assert copied.ran("pictures.py") == ["thumbnail", "sheet", "film"]
