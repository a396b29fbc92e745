"""The manual's list of contents, `docs/README.md`, as data: navigation and `llms.txt` come from it.

It needs no Sphinx, so that the ordinary tests can use it.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START = "README.md"
CONTENTS = "docs/README.md"

_SECTION = re.compile(r"^## (.+)$", re.MULTILINE)
_ENTRY = re.compile(r"^(?:-|\d+\.) \[(.+?)\]\(([^)#]+\.md)\)(.*(?:\n  +\S.*)*)$", re.MULTILINE)
_LINK = re.compile(r"\[(.+?)\]\([^)]+\)")


class Entry(NamedTuple):
    """A line of a list that begins with a link to a page."""

    title: str
    path: str  # from the repository's root
    text: str  # what follows the link: ": the rest of the sentence."


class Manual:
    """The pages below a repository's root."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def sections(self) -> Iterator[tuple[str, list[Entry]]]:
        """The headings of the contents, each with the entries of the list below it."""
        parts = _SECTION.split(self.read(CONTENTS))[1:]
        for title, text in zip(parts[::2], parts[1::2], strict=True):
            yield title, list(_entries(text, "docs"))

    def below(self, path: str) -> list[Entry]:
        """What an `index.md` or a `README.md` in `docs` lists of its own folder."""
        folder, name = posixpath.split(path)
        if folder in ("", "docs") or name not in ("index.md", "README.md"):
            return []
        found = _entries(self.read(path), folder)
        return [entry for entry in found if entry.path.startswith(f"{folder}/")]

    def everything(self, entries: list[Entry]) -> Iterator[Entry]:
        """Entries, each followed by those below its page."""
        for entry in entries:
            yield entry
            yield from self.everything(self.below(entry.path))

    def pages(self) -> list[str]:
        """Every page of the site, in the order of the navigation."""
        entries = [entry for _, listed in self.sections() for entry in self.everything(listed)]
        return [CONTENTS, *(entry.path for entry in entries)]

    def short(self, base: str = "") -> str:
        """`llms.txt`: what this is, and a line for each page, with a link to its Markdown."""
        title, what = self.read(START).split("\n\n")[:2]
        found = [title, f"> {' '.join(what.split())}"]
        for section, entries in self.sections():
            listed = self.everything(entries)
            lines = [f"- [{title}]({base}{path}){text}" for title, path, text in listed]
            found += [f"## {section}", "\n".join(lines)]
        return "\n\n".join(found) + "\n"

    def full(self) -> str:
        """`llms-full.txt`: every page, in the order of the navigation."""
        return "\n".join(f"<!-- {path} -->\n\n{self.read(path)}" for path in self.pages())

    def read(self, path: str) -> str:
        """A page's Markdown."""
        return (self.root / path).read_text(encoding="utf-8")


def _entries(text: str, folder: str) -> Iterator[Entry]:
    for title, link, said in _ENTRY.findall(text):
        path = posixpath.normpath(posixpath.join(folder, link))
        yield Entry(title, path, re.sub(r"\n +", " ", _LINK.sub(r"\1", said)))
