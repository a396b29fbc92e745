"""The wheels, as a user gets them: installed into environments that hold nothing else."""

from __future__ import annotations

import runpy
import tarfile
import tomllib
import zipfile
from collections.abc import Callable
from email.parser import Parser
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from workspace.environments import Environment, build_archives, build_from_archives
from workspace.sources import MEMBERS, ROOT

VERSION = runpy.run_path(str(ROOT / "VERSION.py"))["__version__"]


@pytest.fixture
def empty(tmp_path: Path, dist: Path) -> Environment:
    return Environment(tmp_path, dist)


BY = pytest.mark.parametrize(
    "install",
    [Environment.install, pytest.param(Environment.pip_install, marks=pytest.mark.slow)],
    ids=["from here", "by pip"],
)
Install = Callable[..., None]


def wheel(dist: Path, name: str) -> zipfile.ZipFile:
    [path] = dist.glob(f"{name.replace('-', '_')}-{VERSION}-py3-none-any.whl")
    return zipfile.ZipFile(path)


# -------------------------------------------------------------------------------- what is in them


@pytest.mark.parametrize("package", MEMBERS)
def test_a_wheel_holds_its_package_and_nothing_else(package: str, dist: Path) -> None:
    with wheel(dist, MEMBERS[package].name) as archive:
        names = archive.namelist()
    tops = {name.split("/")[0] for name in names}
    assert tops == {package, f"{MEMBERS[package].name.replace('-', '_')}-{VERSION}.dist-info"}
    assert f"{package}/py.typed" in names
    source = MEMBERS[package] / "src" / package
    modules = {f"{package}/{path.relative_to(source).as_posix()}" for path in source.rglob("*.py")}
    assert modules == {name for name in names if name.endswith(".py")}


@pytest.fixture(scope="session")
def from_archives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source archives, and the wheels that were made from them."""
    folder = tmp_path_factory.mktemp("from-archives")
    build_from_archives(folder, ROOT, *MEMBERS.values())
    return folder


@pytest.mark.slow
def test_a_wheel_from_the_source_archive_is_the_same(dist: Path, from_archives: Path) -> None:
    for name in ("beautyspot", *(member.name for member in MEMBERS.values())):
        with wheel(dist, name) as ours, wheel(from_archives, name) as other:
            assert _contents(ours) == _contents(other)


def test_a_source_archive_holds_what_the_wheel_is_made_of(tmp_path: Path) -> None:
    """The sources, the licence and the README; tests cross members, and stay in the repository."""
    for archive in build_archives(tmp_path, ROOT, *MEMBERS.values()):
        with tarfile.open(archive) as opened:
            names = {name.partition("/")[2] for name in opened.getnames()}
        assert {"LICENSE", "PKG-INFO", "README.md", "pyproject.toml"} <= names
        member = ROOT / archive.name.partition("-")[0].replace("_", "-")  # of the root: no folder
        sources = {path.relative_to(member).as_posix() for path in member.rglob("src/**/*.py")}
        assert sources == {one for one in names if one.startswith("src/") and one.endswith(".py")}
        assert not any(name.startswith(("tests/", "docs/")) for name in names)


def _contents(archive: zipfile.ZipFile) -> dict[str, bytes]:
    return {name: archive.read(name) for name in archive.namelist()}


CLASSIFIED = [f"Programming Language :: Python :: 3.{minor}" for minor in (11, 12, 13, 14)]


def test_a_wheel_has_the_licence(dist: Path) -> None:
    for name in ("beautyspot", *(member.name for member in MEMBERS.values())):
        with wheel(dist, name) as archive:
            folder = f"{name.replace('-', '_')}-{VERSION}.dist-info"
            licence = archive.read(f"{folder}/licenses/LICENSE")
        assert licence == (ROOT / "LICENSE").read_bytes(), f"copy LICENSE into {name} again"


def test_what_the_wheels_say_of_themselves(dist: Path) -> None:
    names = ["beautyspot", *(member.name for member in MEMBERS.values())]
    for name in names:
        with wheel(dist, name) as archive:
            folder = f"{name.replace('-', '_')}-{VERSION}.dist-info"
            text = archive.read(f"{folder}/METADATA").decode()
        said = Parser().parsestr(text)
        assert (said["Name"], said["Version"]) == (name, VERSION)
        assert said["Requires-Python"] == ">=3.11"
        assert said["License-Expression"] == "MIT"
        assert said.get_all("License-File") == ["LICENSE"]
        assert said["Author"] == "The beautyspot authors"
        assert said["Keywords"]
        classifiers = said.get_all("Classifier", [])
        assert [one for one in classifiers if "Python :: 3" in one] == CLASSIFIED
        assert "Typing :: Typed" in classifiers
        assert said["Description-Content-Type"] == "text/markdown"
        assert " @ " not in "".join(said.get_all("Requires-Dist", []))  # no path of this machine


# ---------------------------------------------------------------------------- what they bring

CALL = """
import beautyspot as bs
with bs.Spot("{name}", strict=True, config=False{options}) as spot:
    double = spot.mark(lambda x: x * 2)
    assert double(2) == double(2) == 4
    assert spot.stats()["hits"] == 1
"""


@BY
def test_beautyspot_brings_local_backends_and_no_boto3(
    empty: Environment, install: Install
) -> None:
    install(empty, "beautyspot")
    installed = empty.installed()
    for name in ("beautyspot", "beautyspot-core", "beautyspot-local", "beautyspot-data"):
        assert installed.pop(name) == VERSION
    assert set(installed) == {"pluggy", "msgpack", "xxhash"}
    empty.run(CALL.format(name="app", options=", limiter='600/min', save='background'"))
    [said] = _errors(empty, "bs.Spot('x', storage='s3://bucket/cache')")
    assert "install beautyspot-s3 (docs/install.md)" in said


def _errors(environment: Environment, *expressions: str) -> list[str]:
    """What each expression raises, as one line."""
    said = environment.run(
        "import beautyspot as bs\n"
        f"for expression in {expressions!r}:\n"
        "    try:\n        eval(expression)\n"
        "    except bs.BeautyspotError as error:\n        print(type(error).__name__, error)\n"
        "    else:\n        raise SystemExit('it raised nothing: ' + expression)\n"
    )
    return said.splitlines()


@BY
def test_the_extra_s3_brings_boto3(empty: Environment, install: Install) -> None:
    install(empty, "beautyspot[s3]")
    installed = empty.installed()
    assert {"boto3", "beautyspot-s3", "beautyspot-local", "beautyspot-core"} <= set(installed)
    assert installed["beautyspot-s3"] == VERSION
    empty.run(CALL.format(name="app", options=", storage='s3://bucket/cache'"))
    empty.run("from beautyspot_s3 import S3Storage; S3Storage('bucket', prefix='cache')")


@BY
def test_the_extra_cli_brings_the_command(empty: Environment, install: Install) -> None:
    install(empty, "beautyspot")
    assert "pip install ./beautyspot-cli" in _command(empty, "--version", status=2)
    install(empty, "beautyspot[cli]")
    assert {"beautyspot-cli", "beautyspot-local", "click"} <= set(empty.installed())
    assert _command(empty, "--version", status=0).split()[-1] == VERSION


def _command(environment: Environment, *words: str, status: int) -> str:
    """What `python -m beautyspot` says."""
    return environment.run(
        "import subprocess, sys\n"
        f"command = [sys.executable, '-m', 'beautyspot', *{words!r}]\n"
        "done = subprocess.run(command, capture_output=True, text=True)\n"
        f"assert done.returncode == {status}, done\n"
        "print(done.stdout, done.stderr)\n"
    )


def extras(member: Path) -> dict[str, list[str]]:
    project = tomllib.loads((member / "pyproject.toml").read_text())["project"]
    found: dict[str, list[str]] = project.get("optional-dependencies", {})
    return found


def test_the_extra_all_is_all_of_them() -> None:
    """Those of the root, and those of the members; hiredis makes Redis a little faster, no more."""
    of_root = extras(ROOT)
    testing = of_root.pop("testing")  # for authors of plug-ins: a program has no use for pytest
    assert set(of_root.pop("all")) == {one for needed in of_root.values() for one in needed}
    named = {
        (needed.name, extra)
        for needed in (Requirement(one) for one in [*extras(ROOT)["all"], *testing])
        for extra in ("", *needed.extras)
    }
    wanted = {
        (member.name, extra) for member in MEMBERS.values() for extra in ("", *extras(member))
    }
    by_default = {(f"beautyspot-{name}", "") for name in ("core", "local", "data")}
    assert named | by_default == wanted - {("beautyspot-redis", "hiredis")}


LIBRARIES = {"opentelemetry-api", "prometheus_client", "structlog"}  # as they name themselves


@BY
def test_data_brings_no_library_and_needs_none(empty: Environment, install: Install) -> None:
    install(empty, "beautyspot")
    empty.run(
        "import beautyspot as bs\n"
        "from beautyspot import plugins\n"
        "assert [len(p.offers['types']) for p in plugins() if p.name == 'data'] == [10]\n"
        + CALL.format(name="app", options="")
        + "from importlib.util import find_spec\n"
        "assert not any(map(find_spec, ('numpy', 'pandas', 'polars', 'pyarrow', 'PIL', 'pytz')))\n"
    )


@BY
def test_core_alone_works_and_says_what_to_install(empty: Environment, install: Install) -> None:
    install(empty, "beautyspot-core")
    assert "beautyspot-local" not in empty.installed()
    memory = "metadata='memory'"
    small = CALL.format(name="small", options=f", {memory}")
    large = CALL.format(name="large", options=f", {memory}, blob_threshold=0")  # all in rows
    empty.run(small + large)
    expressions = (
        "bs.Spot('x')",
        f"bs.Spot('x', {memory}, limiter='600/min')",
        f"bs.Spot('x', {memory}, storage='local')",
        f"bs.Spot('x', {memory}).mark(save_blob=True)",
        f"bs.Spot('x', {memory}).storage",
    )
    *said, limiter = _errors(empty, *expressions, f"bs.Spot('x', {memory}).limiter(len)")
    assert len(said) == len(expressions)
    for error in said:
        assert error.startswith("BackendNotFound")
        assert "install beautyspot-local" in error
    assert "limiter" in limiter
