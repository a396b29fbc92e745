"""Thumbnails, a contact sheet, a tone and a film: each is made once, and is a file to look at."""

import io
import math
import tempfile
import wave
from array import array
from itertools import repeat
from pathlib import Path

import beautyspot as bs
from PIL import Image

spot = bs.Spot("pictures")
PHOTOS = Path("photos")


# The photo counts by its content; the result is a .png file, as each Pillow image can be.
@spot.mark(
    version=1,
    key={"path": bs.KeyGen.from_file_content},
    save_blob=True,
    content_type="image/png",
)
def thumbnail(path: Path, side: int) -> Image.Image:
    """Make a small picture."""
    print("thumbnail runs")
    with Image.open(path) as photo:
        return photo.convert("RGB").resize((side, side))


# JPEG alters pixels, so an image is not stored as one: its bytes are, as they are.
@spot.mark(version=1, save_blob=True, content_type="image/jpeg")
def sheet(images: list[Image.Image]) -> bytes:
    """Put all of them into one row."""
    print("sheet runs")
    row = Image.new("RGB", (sum(image.width for image in images), images[0].height))
    for place, image in enumerate(images):
        row.paste(image, (place * image.width, 0))
    out = io.BytesIO()
    row.save(out, "JPEG", quality=85)
    return out.getvalue()


@spot.mark(version=1, save_blob=True, content_type="audio/wav")
def tone(pitch: float, seconds: float = 1.0, rate: int = 22_050) -> bytes:
    """Make a tone of so many hertz."""
    print("tone runs")
    turns = (2 * math.pi * pitch * n / rate for n in range(int(seconds * rate)))
    out = io.BytesIO()
    with wave.open(out, "wb") as sound:
        sound.setparams((1, 2, rate, 0, "NONE", "not compressed"))
        sound.writeframes(array("h", (int(20_000 * math.sin(turn)) for turn in turns)).tobytes())
    return out.getvalue()


# What a program writes into a file, such as ffmpeg, is stored as that file.
@spot.mark(version=1)
def film(images: list[Image.Image]) -> bs.File:
    """Show one image after the other."""
    print("film runs")
    path = Path(tempfile.mkdtemp()) / "film.gif"
    images[0].save(path, save_all=True, append_images=images[1:], duration=500, loop=0)
    return bs.File(path)


if __name__ == "__main__":
    if not PHOTOS.exists():
        PHOTOS.mkdir()
        for number in range(3):
            size = 1 + number
            photo = Image.effect_mandelbrot((320, 320), (-2 / size, -1 / size, 1 / size, 1), 100)
            photo.save(PHOTOS / f"{number}.png")
    small = list(spot.map(thumbnail, sorted(PHOTOS.glob("*.png")), repeat(128)))
    sheet(small)
    tone(440.0)
    film(small)
    for stored in (spot.peek(sheet, small), spot.peek(tone, 440.0), spot.peek(film, small)):
        print("open:", stored and stored.location)
