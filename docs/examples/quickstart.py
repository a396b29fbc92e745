"""Read Python's standard library closely, draw a map of it, and do none of it twice.

The first run takes some ten seconds. The second one finds everything in `.beautyspot`, below the
working directory. Edit a function and raise its `version=`: only its results are computed again.
"""

from __future__ import annotations

import ast
import asyncio
import colorsys
import io
import lzma
import os
import shlex
import sysconfig
import time
import tokenize
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import beautyspot as bs

# The limit is for `count_syllables`, below: 400 characters a second, in calls of at most 700.
spot = bs.Spot("quickstart", limiter={"use": "gcra", "rate": "400/s", "max_cost": 700})

FORKS = (ast.If, ast.IfExp, ast.For, ast.While, ast.ExceptHandler, ast.BoolOp, ast.comprehension)


@dataclass(frozen=True)
class Module:
    """What the script finds out about one source file."""

    lines: int
    names: int  # different identifiers
    forks: int  # places where the code can go two ways
    density: float  # compressed size by LZMA, relative to the size: low for repetitive code
    summary: str

    @property
    def tangle(self) -> float:
        """Forks in 100 lines."""
        return 100 * self.forks / self.lines


# A file counts by its content, not by its name; the return annotation lets a Module be stored.
@spot.mark(key={"path": bs.KeyGen.from_file_content}, version=1)
def read(path: Path) -> Module:
    """Parse, tokenise and compress a source file: slow enough to be worth remembering."""
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return Module(
        lines=text.count("\n") + 1,
        names=len({token.string for token in tokens if token.type == tokenize.NAME}),
        forks=sum(isinstance(node, FORKS) for node in ast.walk(tree)),
        density=len(lzma.compress(text.encode())) / (len(text) + 1),
        summary=(ast.get_docstring(tree) or "").split("\n\n")[0][:600],
    )


# Only what is executed waits for the limit: a result from the cache costs nothing.
@spot.mark
@spot.limiter(cost=lambda text: 1 + len(text))
async def count_syllables(text: str) -> int:
    """Stand in for a web service that charges for each character."""
    await asyncio.sleep(0.1)
    vowels = "".join(letter if letter in "aeiouy" else " " for letter in text.lower())
    return len(vowels.split())


# Text and bytes with a content type are stored as they are: any browser opens the file.
@spot.mark(save_blob=True, content_type="image/svg+xml", version=1)
def draw(modules: dict[str, Module]) -> str:
    """Draw each module: as large as it has lines, as bright as it is tangled."""
    largest = sorted(modules, key=lambda name: -modules[name].lines)
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1220 830" font-family="sans-serif">'
        '<rect width="1220" height="830" fill="#10142a"/><text x="12" y="36" font-size="24" '
        f'fill="#fff">{len(modules)} modules of the standard library: the larger, the more lines; '
        f"the brighter, the more forks</text>{tiles(modules, largest, 10, 60, 1200, 760)}</svg>"
    )


def tiles(
    modules: dict[str, Module], names: list[str], x: float, y: float, w: float, h: float
) -> str:
    """Halve the rectangle, across its longer side, until each module has its own."""
    if len(names) == 1:
        return tile(names[0], modules[names[0]], x, y, w, h)
    lines = [modules[name].lines for name in names]
    cut = next(i for i in range(1, len(names)) if 2 * sum(lines[: i + 1]) > sum(lines))
    share = sum(lines[:cut]) / sum(lines)
    right, down = (w * share, 0.0) if w > h else (0.0, h * share)
    first = tiles(modules, names[:cut], x, y, right or w, down or h)
    return first + tiles(modules, names[cut:], x + right, y + down, w - right, h - down)


def colour(heat: float) -> str:
    """From blue to red, as six hex digits, which every viewer understands."""
    red, green, blue = colorsys.hls_to_rgb((220 + 7 * heat) / 360 % 1, (25 + heat) / 100, 0.6)
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"


def tile(name: str, module: Module, x: float, y: float, w: float, h: float) -> str:
    """Draw one module; a browser shows its figures under the pointer."""
    heat = min(module.tangle, 25)
    size = min(18.0, 1.5 * w / len(name), h / 1.5)
    label = f'<text x="{x + 4}" y="{y + 1.1 * size}" font-size="{size}" fill="#fff">{name}</text>'
    return (
        f"<g><title>{name}: {module.lines} lines, {module.forks} forks, {module.names} names, "
        f'density {module.density:.2f}</title><rect x="{x}" y="{y}" width="{w}" height="{h}" '
        f'fill="{colour(heat)}" stroke="#10142a" stroke-width="2"/>'
        f"{label if size > 6 else ''}</g>"
    )


async def ask_all(texts: list[str]) -> int:
    """Ask about all texts at once; the limit spaces the questions."""
    answers = spot.map(count_syllables, texts, ordered=False, progress=True)
    return sum([answer async for answer in answers])


def command() -> str:
    """Say how to see what is stored, after what is still to be installed for that."""
    if find_spec("beautyspot_dashboard"):
        return "beautyspot ui"
    clone = os.path.relpath(Path(__file__).parents[2])
    members = shlex.join(f"{clone}/beautyspot-{member}" for member in ("cli", "dashboard"))
    return f"python -m pip install {members} && beautyspot ui"


def main() -> None:
    """Do all of it, and print what was computed and what was found."""
    print("at the first run this takes some ten seconds", flush=True)
    began = time.perf_counter()
    paths = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
    names = [path.stem for path in paths]
    modules = dict(zip(names, spot.map(read, paths, progress=True), strict=True))
    explained = [name for name in modules if modules[name].summary]
    tangled = sorted(explained, key=lambda name: -modules[name].tangle)[:20]
    syllables = asyncio.run(ask_all([modules[name].summary for name in tangled]))
    print(f"most tangled: {', '.join(tangled[:6])}; explained in {syllables} syllables")
    draw(modules)

    stats, took = spot.stats(), time.perf_counter() - began
    print(f"{stats['misses']} results computed, {stats['hits']} from the cache, in {took:.2f} s")
    print("Run it again!" if stats["misses"] else "Nothing had to run.")
    picture = spot.peek(draw, modules)
    print(f"database: {spot.db_path}\npicture:  {picture and picture.location}")
    print(f"Look at all of it in your browser:\n  {command()}")


if __name__ == "__main__":
    main()
