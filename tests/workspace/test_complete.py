"""Whatever a user can write or be told is in the manual: options, events, commands, variables."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args, get_overloads

import beautyspot as bs
import beautyspot_cli.program
import beautyspot_dashboard.program
import click
import pytest
from beautyspot.batch.inputs import MapKeywords
from beautyspot.tasks.options import MarkKeywords
from beautyspot_observe import measures
from workspace.docstrings import told
from workspace.sources import MEMBERS, ROOT

DOCS = ROOT / "docs"


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


KEYWORDS = {"MarkKeywords": MarkKeywords, "MapKeywords": MapKeywords}
"""The keywords that some methods share: `**options: Unpack[MarkKeywords]`."""


def takes(function: Callable[..., Any]) -> set[str]:
    """The parameters of a function, of all ways to call it."""
    found = set()
    for shape in get_overloads(function) or [function]:
        for parameter in inspect.signature(shape).parameters.values():
            unpacked = re.fullmatch(r"Unpack\[(\w+)\]", str(parameter.annotation))
            shared = KEYWORDS.get(unpacked[1]) if unpacked else None
            found |= set(shared.__annotations__) if shared else {parameter.name}
    return found - {"self", "args", "kwargs"}


def test_type_checkers_know_the_options_that_mark_takes() -> None:
    with pytest.raises(bs.ConfigError) as caught:
        bs.Spot("options", metadata="memory", storage="memory", config=False).mark(nothing=1)  # type: ignore[call-overload]
    _, _, known = str(caught.value).partition("There are: ")
    assert set(known.split(", ")) == set(MarkKeywords.__annotations__)


# ------------------------------------------------------------------------------- what is called


def named(text: str) -> set[str]:
    """All names in code of a page."""
    return {name for code in re.findall(r"`[^`\n]+`", text) for name in re.findall(r"\w+", code)}


NAMES_PAGE = named(page("names.md"))


@pytest.mark.parametrize("cls", [bs, bs.Spot, bs.Store], ids=["beautyspot", "Spot", "Store"])
def test_the_page_of_public_names_has_all(cls: Any) -> None:
    public = bs.__all__ if cls is bs else [name for name in dir(cls) if name[0] != "_"]
    assert set(public) - NAMES_PAGE == set()


def test_the_page_of_public_names_is_short() -> None:
    assert len(page("names.md").splitlines()) <= 80


@pytest.mark.parametrize(
    "function",
    [bs.Spot, bs.Spot.mark, bs.Spot.limiter, bs.Spot.map, bs.Store.copy_to, bs.open_store],
)
def test_what_has_many_options_lists_them(function: Callable[..., Any]) -> None:
    assert takes(function) - told(function, "Args") - {"target", "where"} == set()


GUIDES = {
    "marking.md": [bs.Spot.mark],
    "limits.md": [bs.Spot.limiter, bs.Spot.limit],
    "map.md": [bs.Spot.map, bs.Spot.count],
    "inspecting.md": [
        *(bs.open_store, bs.open_stores, bs.Where, bs.Store.copy_to),
        *(bs.Spot.prune, bs.Spot.collect, bs.Store.collect),
    ],
    "queries.md": [bs.Spot.set_result, bs.Spot.invalidate_all, bs.Spot.using],
}
"""A page of the guide -> what it explains with all options."""


@pytest.mark.parametrize("name", GUIDES)
def test_the_guide_tells_of_every_option(name: str) -> None:
    text = page(name)
    for function in GUIDES[name]:
        options = set(bs.Where.__annotations__) if function is bs.Where else takes(function)
        missing = {
            option
            for option in options - {"function", "inputs", "store_ids", "where"}
            if not re.search(rf"`[^`\n]*\b{option}\b|\b{option}=", text)
        }
        assert missing == set(), function


# ---------------------------------------------------------------------------------- distributions


def members_names() -> Iterator[tuple[str, Any]]:
    for package in MEMBERS:
        module = importlib.import_module(package)
        if package != "beautyspot":
            yield from ((f"{package}.{name}", getattr(module, name)) for name in module.__all__)


NAMES = dict(members_names())


@pytest.mark.parametrize("name", NAMES)
def test_every_public_name_of_a_distribution_is_documented(name: str) -> None:
    package, _, short = name.partition(".")
    assert {package, short} <= NAMES_PAGE
    assert f".. automodule:: {package}\n" in page("site/api.md")
    assert told(NAMES[name], "Args") == takes(NAMES[name])


BACKENDS = {
    name: value
    for name, value in NAMES.items()
    if isinstance(value, type) and issubclass(value, bs.Backend)
}
_FOR_TESTS = {"clock"}


@pytest.mark.parametrize("name", BACKENDS)
def test_every_option_of_a_backend_is_in_a_table(name: str) -> None:
    package = name.partition(".")[0]
    readme = (MEMBERS[package] / "README.md").read_text()
    shared = page("limits.md") if issubclass(BACKENDS[name], bs.LimiterBase) else ""
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", readme + shared, re.MULTILINE)
    listed = {option for row in rows for option in re.findall(r"`(\w+)`", row)}
    options = {
        parameter.name
        for parameter in inspect.signature(BACKENDS[name]).parameters.values()
        if parameter.kind is not parameter.VAR_KEYWORD
    }
    assert options - listed - _FOR_TESTS == set()


ELSEWHERE = {"beautyspot_observe": "observing.md", "beautyspot_dashboard": "dashboard.md"}


@pytest.mark.parametrize("name", [name for name in NAMES if name.split(".")[0] in ELSEWHERE])
def test_every_option_of_what_is_no_backend_is_in_the_guide(name: str) -> None:
    text = page(ELSEWHERE[name.split(".", maxsplit=1)[0]])
    assert {
        option for option in takes(NAMES[name]) if not re.search(rf"`[^`]*{option}", text)
    } == set()


# --------------------------------------------------------------------------------- what is told

EVENTS = get_args(bs.Event)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)
def test_every_event_is_documented_with_its_fields(event: type[bs.Hit]) -> None:
    [row] = re.findall(rf"^\| `{event.__name__}` \|.*$", page("observing.md"), re.MULTILINE)
    fields = set(event._fields) - {"spot", "function", "key"}  # of each event, told above the table
    assert {field for field in fields if f"`{field}`" not in row} == set()


@pytest.mark.parametrize(
    "measure", [each for each in vars(measures).values() if isinstance(each, measures.Measure)]
)
def test_every_metric_is_documented(measure: measures.Measure) -> None:
    assert f"`beautyspot.{measure.name}`" in page("observing.md")


def sources() -> Iterator[Path]:
    return (path for member in MEMBERS.values() for path in (member / "src").rglob("*.py"))


def test_every_variable_is_documented() -> None:
    text = page("configuration.md") + page("inspecting.md")
    read = {
        name
        for path in sources()
        for name in re.findall(r"(?<!_)BEAUTYSPOT_[A-Z_]*[A-Z]", path.read_text())
    }
    assert {name for name in read if f"`{name}`" not in text} == set()


# ------------------------------------------------------------------------------- the command line


def commands() -> Iterator[tuple[str, click.Command]]:
    program = beautyspot_cli.program.beautyspot
    yield "", program
    context = program.make_context("beautyspot", ["ls"])
    for name in program.list_commands(context):
        # `ui` hands all words on, also --help
        command = program.get_command(context, name)
        yield name, beautyspot_dashboard.program.command if name == "ui" else command


COMMANDS = dict(commands())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_of_a_command_says_what_it_is_for(name: str) -> None:
    options = [each for each in COMMANDS[name].params if isinstance(each, click.Option)]
    assert [option.name for option in options if option.hidden or not option.help] == []


@pytest.mark.parametrize("name", [name for name in COMMANDS if name])
def test_every_command_is_in_the_guide(name: str) -> None:
    assert f"beautyspot {name}" in page("inspecting.md")
