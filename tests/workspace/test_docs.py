"""The manual tells the truth: its code runs, its signatures are the code's, nothing is missing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from beautyspot import hookspecs
from beautyspot.backends.registry import BASES, base_of
from beautyspot.config.resolve import _ONLY_IN_CODE, _OTHER_VARIABLES
from beautyspot.config.settings import SETTINGS
from forked import Forking
from pygments.lexers import get_lexer_by_name
from workspace import manual, tried
from workspace.sources import ROOT
from workspace.suites import QUICK

DOCS = ROOT / "docs"
PAGES = {str(path.relative_to(DOCS)): path for path in sorted(DOCS.rglob("*.md"))}
GUIDES = {f"plugins/{point}.md": base_of(point) for point in BASES}

_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"# ([\w/]+\.(?:py|toml))\n")
_CODE = re.compile(r"^```.*?^```$|`[^`]+`|<!--.*?-->", re.MULTILINE | re.DOTALL)
_TAG = re.compile(r"(?<!\\)</?(\w+)[^>]*>")
_FROM = re.compile(r"<!-- from: (\S+) -->\n```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_BESIDE = re.compile(r"<!-- beside: (\S+) -->")
_HEAVY = re.compile(r"^(?:from|import) (httpx|numpy|openai|pandas|polars)\b", re.MULTILINE)
_FAILS = re.compile(r"<!-- fails: (\S+) -->")


def page(name: str) -> str:
    return PAGES[name].read_text(encoding="utf-8")


# ---------------------------------------------------------------------------------- its code runs


def laid_out(text: str, folder: Path) -> list[str]:
    """Write a page's files into a folder; give its other Python blocks."""
    programs = []
    for name in [name for name, _ in _FROM.findall(text)] + _BESIDE.findall(text):
        (folder / Path(name).name).write_text((ROOT / name).read_text())
    for language, code in _FENCE.findall(_FROM.sub("", text)):
        if (file := _FILE.match(code)) and language in ("python", "toml"):
            (folder / file[1]).write_text(code)
        elif language == "python":
            programs.append(code)
    return programs


def environment(folder: Path) -> dict[str, str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("BEAUTYSPOT")}
    clean |= {"PYTHONPATH": str(folder), "HYPOTHESIS_STORAGE_DIRECTORY": str(folder / "hypothesis")}
    clean.pop("PYTEST_ADDOPTS", None)
    return clean


def outcome(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", *command],
        cwd=folder, env=environment(folder), capture_output=True, text=True, check=False,
    )  # fmt: skip


WITH_CODE = [name for name in PAGES if "```python" in page(name)]


@pytest.fixture(scope="module")
def forking() -> Iterator[Forking]:
    forking = Forking()
    yield forking
    forking.close()


@pytest.mark.parametrize("name", WITH_CODE)
def test_every_python_block_runs_in_order(name: str, tmp_path: Path, forking: Forking) -> None:
    (tmp_path / "program.py").write_text("\n".join(laid_out(page(name), tmp_path)))
    modules = _HEAVY.findall(page(name))
    done = forking.run("program.py", tmp_path, environment(tmp_path), modules=modules)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "", "the manual's code should give no warnings"


TESTS = ("-m", "pytest", "-q", "-rA", "--tb=short", "-p", "no:cacheprovider")
_ENDED = re.compile(r"^(PASSED|FAILED) (test_\w+\.py)::", re.MULTILINE)


def test_the_test_files_of_all_pages_pass(tmp_path: Path) -> None:
    """In one run, and without what takes a suite longest; below, page by page, with all of it."""
    for name in WITH_CODE:
        laid_out(page(name), tmp_path)
    failing = {file for name in WITH_CODE for file in _FAILS.findall(page(name))}
    files = {file.name for file in tmp_path.glob("test_*.py")}
    done = outcome(tmp_path, *TESTS, "-k", QUICK)
    ended = _ENDED.findall(done.stdout)
    assert {file for how, file in ended if how == "PASSED"} == files, done.stdout
    assert {file for how, file in ended if how == "FAILED"} == failing, done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("name", WITH_CODE)
def test_every_test_file_passes(name: str, tmp_path: Path) -> None:
    laid_out(page(name), tmp_path)
    failing = _FAILS.findall(page(name))
    for file in sorted(tmp_path.glob("test_*.py")):
        done = outcome(tmp_path, *TESTS, file.name)
        assert " passed" in done.stdout, done.stdout
        assert done.returncode == (1 if file.name in failing else 0), done.stdout


@pytest.mark.parametrize("name", PAGES)
def test_what_stands_elsewhere_is_copied_exactly(name: str) -> None:
    for file, code in _FROM.findall(page(name)):
        assert code == (ROOT / file).read_text(), f"copy {file} into {name} again"


_OUTSIDE = (*ROOT.glob("*.md"), *sorted(ROOT.glob("beautyspot-*/README.md")))
WHOLE_MANUAL = {str(path.relative_to(ROOT)): path for path in (*_OUTSIDE, *PAGES.values())}


@pytest.mark.parametrize("name", WHOLE_MANUAL)
def test_every_link_leads_somewhere(name: str) -> None:
    path = WHOLE_MANUAL[name]
    for link, anchor in re.findall(r"\]\(([^)#:\s]*)(?:#([\w-]+))?\)", path.read_text()):
        target = (path.parent / link).resolve() if link else path
        assert target.exists(), link
        assert not target.is_dir(), f"{link}: link its README.md, which the site has, too"
        if anchor:
            assert anchor in anchors(target.read_text()), f"{link}#{anchor}"


@pytest.mark.parametrize("name", WHOLE_MANUAL)
def test_what_looks_like_html_is_html(name: str) -> None:
    """A browser shows nothing of a `<name>` that is not in code."""
    text = _CODE.sub("", WHOLE_MANUAL[name].read_text())
    assert [tag for tag in _TAG.findall(text) if tag not in ("picture", "source", "img")] == []


@pytest.mark.parametrize("name", WHOLE_MANUAL)
def test_blocks_are_of_the_language_that_they_name(name: str) -> None:
    """As the site colours them: it has no block that its lexer does not understand."""
    for language, code in _FENCE.findall(WHOLE_MANUAL[name].read_text()):
        lexer = get_lexer_by_name(language)
        lexer.add_filter("raiseonerror")
        assert list(lexer.get_tokens(code))


def test_pictures_are_there_and_small_in_light_and_dark() -> None:
    for path in PAGES.values():
        for link in re.findall(r'(?:src|srcset)="([^"]+)"', path.read_text()):
            picture = path.parent / link
            assert picture.stat().st_size < 120_000, link
            assert (picture.parent / picture.name.replace("-light", "-dark")).exists(), link


def test_every_place_of_the_house_exists() -> None:
    places = re.findall(r"`([\w./-]+(?:\.py|\.md|/))`", page("house.md"))
    roots = (ROOT, ROOT / "beautyspot-core" / "src" / "beautyspot")
    missing = {name for name in places if not any((root / name).exists() for root in roots)}
    assert missing == set()


@pytest.mark.parametrize("name", [*PAGES, "../CONTRIBUTING.md"])
def test_every_place_in_the_repository_exists(name: str) -> None:
    places = re.findall(r"`((?:tests|benchmarks|docs)/[\w./-]+)`", (DOCS / name).read_text())
    assert [place for place in places if not (ROOT / place).exists()] == []


def test_every_page_is_listed() -> None:
    """In the manual's contents, or in those of its folder."""
    listed = set()
    for name, path in PAGES.items():
        if name.endswith(("README.md", "index.md")):
            links = re.findall(r"\]\(([\w/.-]+\.md)\)", page(name))
            listed |= {(path.parent / link).resolve() for link in links}
    unlisted = {name for name, path in PAGES.items() if path not in listed}
    assert [name for name in unlisted if not name.endswith("README.md")] == []


def anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {
        re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings
    }


# ---------------------------------------------------------------------- it is what the code says


@pytest.mark.parametrize("name", [name for name in PAGES if manual.PART.search(page(name))])
def test_what_is_written_out_of_the_code_is_up_to_date(name: str) -> None:
    wanted = manual.pages()[DOCS / name]
    assert page(name) == wanted, "run `python tests/workspace/manual.py`, and read the change"


@pytest.mark.parametrize(
    "name", [n for n in vars(hookspecs) if n.startswith("beautyspot_register")]
)
def test_every_hook_is_documented(name: str) -> None:
    assert f"- `{name}() -> " in page("plugins/index.md")


@pytest.mark.parametrize("name", GUIDES)
def test_every_method_of_a_contract_is_documented(name: str) -> None:
    text = page(name)
    for method, value in manual.members(GUIDES[name]):
        if not isinstance(value, property):
            assert manual.signature(value, method, bound=True) in text, method
    assert "## A whole one" in text
    assert "## Pitfalls" in text


def test_every_setting_can_be_found() -> None:
    text = page("configuration.md")
    for setting in SETTINGS.values():
        assert f"| `{setting.name}` | `{setting.variable}` | `{setting.default!r}` |" in text
    for variable in _OTHER_VARIABLES:
        assert f"| `BEAUTYSPOT_{variable.upper()}` |" in text
    for name in _ONLY_IN_CODE:
        assert f"`{name}`" in text


def test_every_library_that_is_asked_for_is_in_the_table_of_those_tried() -> None:
    assert tried.asked_for().keys() - tried.FOR.keys() == set()
