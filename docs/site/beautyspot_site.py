"""A Sphinx extension: what the site has beyond the Markdown files as they are.

- The navigation is the list of `docs/README.md`, and below a page the list of its `index.md`.
- A picture that GitHub shows in light or dark follows the site's own switch.
- Each page's Markdown lies beside it, and `llms.txt` names all of them.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contents import CONTENTS, START, Entry, Manual

if TYPE_CHECKING:
    from sphinx.application import Sphinx

_PICTURE = re.compile(r'<picture>\n.*srcset="(.+?)".*\n<img src="(.+?)" alt="(.+?)".*\n</picture>')


def add_navigation(app: Sphinx, name: str, source: list[str]) -> None:
    """Put hidden tables of contents at the end of the pages that list others."""
    manual = Manual(Path(app.srcdir))
    if name == START.removesuffix(".md"):
        app.env.note_dependency(str(manual.root / CONTENTS))  # it is read anew when that changes
        source[0] += _tree([Entry("All pages", CONTENTS, "")])
        for title, entries in manual.sections():
            source[0] += _tree(entries, f":caption: {title}\n")
    elif entries := manual.below(f"{name}.md"):
        source[0] += _tree(entries)


def _tree(entries: list[Entry], caption: str = "") -> str:
    lines = "\n".join(f"{title.replace('`', '')} <{_document(path)}>" for title, path, _ in entries)
    return f"\n```{{toctree}}\n:hidden:\n{caption}\n{lines}\n```\n"


def _document(path: str) -> str:
    return "self" if path == START else f"/{path.removesuffix('.md')}"


def show_pictures(app: Sphinx, name: str, source: list[str]) -> None:
    """Make two images of a `<picture>`, of which the site shows one."""
    source[0] = _PICTURE.sub(r"![\3](\1){.only-dark}\n![\3](\2){.only-light}", source[0])


def name_markdown(
    app: Sphinx, name: str, template: str, context: dict[str, Any], doctree: object
) -> None:
    """Say in a page's head where its Markdown is."""
    if doctree is not None:
        link = f"{name.rpartition('/')[2]}.md"
        context["metatags"] += f'\n<link rel="alternate" type="text/markdown" href="{link}">'


def add_files(app: Sphinx, error: Exception | None) -> None:
    """Add what is no page of Sphinx's."""
    if error or app.builder.format != "html":
        return
    manual, out = Manual(Path(app.srcdir)), Path(app.outdir)
    shutil.copy(out / "README.html", out / "index.html")
    for path in manual.pages():
        shutil.copy(manual.root / path, out / path)
    (out / "llms.txt").write_text(manual.short(app.config.html_baseurl), encoding="utf-8")
    (out / "llms-full.txt").write_text(manual.full(), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect all of this to Sphinx."""
    app.connect("source-read", add_navigation)
    app.connect("source-read", show_pictures)
    app.connect("html-page-context", name_markdown)
    app.connect("build-finished", add_files)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
