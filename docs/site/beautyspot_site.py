"""A Sphinx extension: what the site has beyond the Markdown files as they are.

- The navigation is the list of `docs/README.md`, and below a page the list of its `index.md`.
- A picture that GitHub shows in light or dark follows the site's own switch.
- A class whose docstring does not list its fields is described by the comments behind them.
- Help of commands is plain text: a star in it is a star.
- Each page's Markdown lies beside it, and `llms.txt` names all of them.
"""

from __future__ import annotations

import ast
import inspect
import re
import shutil
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contents import CONTENTS, START, Entry, Manual
from sphinx.util import logging

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


def tell_fields(
    app: Sphinx, what: str, name: str, value: Any, options: object, lines: list[str]
) -> None:
    """Add what stands behind the fields of a class, `name: type  # this`, to its docstring."""
    named = getattr(value, "_fields", ()) or getattr(value, "__dataclass_fields__", ())
    told = ", ".join(re.findall(r"^:ivar ([\w, ]+):", "\n".join(lines), re.MULTILINE)).split(", ")
    lacking = [one for one in named if one[0] != "_" and one not in told]
    if what != "class" or not lacking:
        return
    said = _comments(value)
    for field in lacking:
        if field not in said:
            logging.getLogger(__name__).warning("%s says nothing of %s", name, field)
        lines.append(f":ivar {field}: {said.get(field, '')}")
    lines.append("")


def _comments(cls: type) -> dict[str, str]:
    source = textwrap.dedent(inspect.getsource(cls))
    [definition] = ast.parse(source).body
    lines = source.splitlines()
    found = {}
    for line in getattr(definition, "body", ()):
        if isinstance(line, ast.AnnAssign):
            behind = lines[line.end_lineno - 1].encode()[line.end_col_offset :].decode()
            if "# " in behind:
                found[ast.unparse(line.target)] = behind.partition("# ")[2]
    return found


def leave_fields_out(
    app: Sphinx, what: str, name: str, value: Any, skip: bool, options: object
) -> bool | None:
    """Fields of named tuples are told with their class, not once more on their own."""
    told = (inspect.getdoc(value) or "").startswith("Alias for field number")
    return True if told else None


def keep_stars(app: Sphinx, context: object, lines: list[str]) -> None:
    """Write a star of a command's help as one."""
    lines[:] = [line.replace("*", "\\*") for line in lines]


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
    app.connect("autodoc-process-docstring", tell_fields)
    app.connect("autodoc-skip-member", leave_fields_out)
    for part in ("description", "options"):
        app.connect(f"sphinx-click-process-{part}", keep_stars)
    app.connect("html-page-context", name_markdown)
    app.connect("build-finished", add_files)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
