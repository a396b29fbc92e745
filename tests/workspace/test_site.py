"""The manual as a site. Its contents are tested always, the whole where Sphinx is (`.ci/run`)."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from urllib.parse import unquote, urldefrag

import beautyspot as bs
import pytest
from beautyspot_cli.program import beautyspot
from workspace.sources import ROOT

SITE = ROOT / "docs" / "site"

needs_sphinx = pytest.mark.skipif(
    not (importlib.util.find_spec("sphinx") and importlib.util.find_spec("furo")),
    reason="the site needs `python -m pip install -r requirements/docs.txt`",
)


def contents() -> ModuleType:
    spec = importlib.util.spec_from_file_location("contents", SITE / "contents.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MANUAL = contents().Manual(ROOT)


def sources() -> set[str]:
    folders = (ROOT.glob("*.md"), ROOT.glob("beautyspot-*/*.md"), (ROOT / "docs").rglob("*.md"))
    return {path.relative_to(ROOT).as_posix() for found in folders for path in found}


# ------------------------------------------------------------------------------- what is in it


def test_every_page_has_one_place_in_the_navigation() -> None:
    assert sorted(MANUAL.pages()) == sorted(sources())


def test_the_sections_are_in_the_order_in_which_people_look_for_them() -> None:
    assert [title for title, _ in MANUAL.sections()] == [
        "Start", "Recipes", "Guide", "Operations",
        "Plug-ins", "Reference", "Performance", "Decisions",
    ]  # fmt: skip


def test_llms_txt_names_every_page_with_what_it_is_about() -> None:
    text = MANUAL.short("https://example.com/")
    assert text.startswith("# beautyspot\n\n> A persistent, typed result cache")
    assert (
        "\n## Operations\n\n- [Many machines](https://example.com/docs/machines.md): one cache"
        in text
    )
    assert all(f"(https://example.com/{path})" in text for path in MANUAL.pages()[1:])


def tree(root: Path, **pages: str) -> Path:
    """A repository with a manual of one page."""
    (root / "docs").mkdir()
    (root / "README.md").write_text("# it\n\nWhat it is\nand does.\n\n## Why\n\n" + pages["start"])
    listed = "- [It](../README.md)\n- [A page](page.md) of it:\n  long.\n"
    (root / "docs/README.md").write_text(f"# All\n\n## Use\n\n{listed}")
    (root / "docs/page.md").write_text("# Page\n\n## Part\n\n" + pages["page"])
    return root


def test_what_builds_the_site_changes_no_version_of_what_tests_need() -> None:
    pinned = (pins("test.txt"), pins("docs.txt"))
    needed = {name for name, _ in pinned[0]}
    assert {name for name, _ in pinned[1] - pinned[0]} & needed == set()


def pins(file: str) -> set[tuple[str, str]]:
    """The distributions that a file of requirements pins, each with its versions."""
    text = (ROOT / "requirements" / file).read_text()
    return set(re.findall(r"^([\w.-]+)==([\w.]+)", text, re.MULTILINE))


# ------------------------------------------------------------------------------- how it is built


def built(root: Path, out: Path) -> subprocess.CompletedProcess[str]:
    options = ("-W", "-n", "--keep-going", "-q", "-c", str(SITE))
    return subprocess.run(
        [sys.executable, "-m", "sphinx", *options, str(root), str(out)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


WRONG = {
    "start": "[Part](docs/page.md#parts) [Part](docs/pages.md)\n",
    "page": "[Why](../README.md#whynot) [Part](#partly) ![A picture](picture.png)\n",
}


@needs_sphinx
def test_a_link_that_leads_nowhere_fails_the_build(tmp_path: Path) -> None:
    done = built(tree(tmp_path, **WRONG), tmp_path / "out")
    assert done.returncode == 1
    for place in ("parts", "docs/pages.md", "whynot", "partly", "picture.png"):
        assert re.search(rf"WARNING: .*{place}\b", done.stderr), done.stderr


@pytest.mark.slow
@needs_sphinx
def test_the_manual_is_built_without_a_warning(tmp_path: Path) -> None:
    done = built(ROOT, tmp_path)
    assert done.returncode == 0, done.stderr
    assert list(dead_links(tmp_path)) == []
    for page in sources():
        assert (tmp_path / page).with_suffix(".html").exists()
    places = _Page((tmp_path / "docs/site/api.html").read_text()).places
    classes = {name for name in bs.__all__ if isinstance(getattr(bs, name), type)}
    wanted = classes | {f"Spot.{name}" for name in dir(bs.Spot) if name[0] != "_"}
    assert {f"beautyspot.{name}" for name in wanted} - places == set()
    places = _Page((tmp_path / "docs/site/commands.html").read_text()).places
    assert {f"beautyspot-{name}" for name in beautyspot.commands} - places == set()


class _Page(HTMLParser):
    """The places in a page, and where its links lead."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.places = {""}
        self.links: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id":
                self.places.add(value or "")
            elif name in ("href", "src") and value and ":" not in value:
                self.links.add(value)


def dead_links(site: Path) -> Iterator[str]:
    """Links, pictures and files of built pages that are not there, by what browsers read."""
    pages = {path: _Page(path.read_text()) for path in site.rglob("*.html")}
    for path, page in pages.items():
        for link in page.links:
            file, place = urldefrag(link)
            target = (path.parent / unquote(file.partition("?")[0])).resolve() if file else path
            if not target.exists() or (target in pages and place not in pages[target].places):
                yield f"{path.relative_to(site)}: {link}"
