"""Which file is read, and what is told of a file that is wrong."""

from __future__ import annotations

import pytest
from beautyspot.config.resolve import resolve
from beautyspot.errors import ConfigError


@pytest.fixture
def repo(tmp_path):
    """A repository with a folder below it."""
    (tmp_path / "repo" / ".git").mkdir(parents=True)
    (tmp_path / "repo" / "a" / "b").mkdir(parents=True)
    return tmp_path / "repo"


def directory(cwd, **kwargs):
    """Where the file in charge puts the results."""
    config = resolve({}, environ=kwargs.pop("environ", {}), cwd=cwd, **kwargs)
    return config["directory"]


def own(folder, value):
    (folder / "beautyspot.toml").write_text(f'directory = "{value}"\n')


def shared(folder, value):
    (folder / "pyproject.toml").write_text(f'[tool.beautyspot]\ndirectory = "{value}"\n')


def test_the_nearest_file_counts(repo):
    own(repo, "far")
    assert directory(repo / "a" / "b") == str(repo / "far")
    shared(repo / "a", "near")
    assert directory(repo / "a" / "b") == str(repo / "a" / "near")


@pytest.mark.parametrize(
    "text", ["[project]\n", "[tool.other]\nx = 'beautyspot'\n", "x = 1 # beautyspot\n"]
)
def test_a_pyproject_without_our_table_is_passed_over(repo, text):
    own(repo, "far")
    (repo / "a" / "pyproject.toml").write_text(text)
    assert directory(repo / "a") == str(repo / "far")


@pytest.mark.parametrize("mark", [".git", ".hg"])
def test_the_search_ends_at_the_repositorys_root(repo, mark):
    own(repo.parent, "outside")
    (repo / ".git").rmdir()
    assert directory(repo / "a") == str(repo.parent / "outside")
    (repo / mark).touch()  # a worktree has a file there
    assert directory(repo / "a") == ".beautyspot"


def test_a_named_file(repo, tmp_path):
    own(repo, "found")
    (tmp_path / "other.toml").write_text('directory = "named"\n')
    path = tmp_path / "other.toml"
    assert directory(repo, config=path) == str(tmp_path / "named")
    assert directory(repo, config=str(path)) == str(tmp_path / "named")
    assert directory(repo, environ={"BEAUTYSPOT_CONFIG": str(path)}) == str(tmp_path / "named")
    relative = {"BEAUTYSPOT_CONFIG": "../other.toml"}
    assert directory(repo, environ=relative) == str(repo / ".." / "named")
    assert directory(repo, environ={"BEAUTYSPOT_CONFIG": " "}) == str(repo / "found")


def test_no_file_at_all(repo):
    own(repo, "found")
    environ = {"BEAUTYSPOT_CONFIG": str(repo / "beautyspot.toml")}
    assert directory(repo, config=False, environ=environ) == ".beautyspot"


def refused(cwd, **kwargs) -> str:
    with pytest.raises(ConfigError) as caught:
        directory(cwd, **kwargs)
    return str(caught.value)


@pytest.mark.parametrize("config", [True, 3, b"x"])
def test_what_is_no_path(repo, config):
    assert "give the path of a file, or False" in refused(repo, config=config)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("ttl = \n", "beautyspot.toml is no valid TOML: Invalid value (at line 1, column 7)"),
        ("\nstorge = 1\n", "beautyspot.toml: there is no setting 'storge'. Did you mean"),
        ("strict = 'x'\n", "beautyspot.toml: strict='x': give true or false"),
        ("ttl = -1\n", "beautyspot.toml: ttl=-1: give a number of seconds"),
        ("storage = 3\n", "beautyspot.toml: storage=3: give a backend's name"),
        ("executor = 'x'\n", "beautyspot.toml: 'executor' can only be given in code"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_file_and_key(repo, text, told):
    (repo / "beautyspot.toml").write_text(text)
    assert f"{repo}/{told}" in refused(repo / "a")


def test_a_wrong_key_of_a_pyproject_is_told_with_its_table(repo):
    (repo / "pyproject.toml").write_text("[tool.beautyspot]\nstorge = 'x'\n")
    assert f"{repo}/pyproject.toml [tool.beautyspot]: there is no setting" in refused(repo)
    (repo / "pyproject.toml").write_text("[tool]\nbeautyspot = 3\n")
    assert refused(repo).endswith("tool.beautyspot is no table: write [tool.beautyspot]")
    (repo / "pyproject.toml").write_text("tool = 'beautyspot'\n")
    assert directory(repo) == ".beautyspot"


def test_paths_in_a_file_start_from_its_folder(repo):
    (repo / "beautyspot.toml").write_text(
        "directory = 'x'\ndb_path = '/abs/y.db'\nstorage = 'local'\n"
    )
    config = resolve({}, environ={}, cwd=repo / "a" / "b")
    assert config["directory"] == str(repo / "x")
    assert config["db_path"] == "/abs/y.db"
    assert config["storage"] == "local"
    assert config.anchor("storage") == repo
    assert config.anchor("keygen") is None
