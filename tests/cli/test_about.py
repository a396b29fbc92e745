"""What the command line says of the installation: plug-ins, settings, completion, the dashboard."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from importlib.metadata import version
from pathlib import Path

import beautyspot as bs
import pytest
from beautyspot_cli.program import beautyspot
from cli.conftest import rows
from click.testing import CliRunner, Result
from fake_plugins import install, module, point

VERSION = version("beautyspot-local")


def run(*words: str, status: int = 0) -> Result:
    done = CliRunner(env={"COLUMNS": "1000"}).invoke(beautyspot, words)
    assert done.exit_code == status, (done.output, done.exception)
    return done


@pytest.fixture(autouse=True)
def _real_plugins() -> Iterator[None]:
    """After the test, forget the plug-ins that it pretended to have."""
    yield
    bs.plugins(rescan=True)


# --------------------------------------------------------------------------------------- plug-ins


def test_plugins_lists_what_each_offers() -> None:
    [local] = [row for row in rows(run("plugins")) if row["PLUG-IN"] == "local"]
    assert local["DISTRIBUTION"] == f"beautyspot-local {VERSION}"
    assert "metadata: sqlite; storage: local; limiter: gcra, gcra-shared" in local["OFFERS"]


def test_a_broken_plugin_is_said_with_its_cause_and_the_status(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    install(monkeypatch, point(ImportError("no turbo"), "turbo"))
    done = run("plugins", status=1)
    assert {"PLUG-IN": "turbo", "DISTRIBUTION": "fake-dist 1.2", "OFFERS": "-"} in rows(done)
    assert "turbo: BROKEN: it raised ImportError: no turbo" in done.stderr
    document = json.loads(run("plugins", "--json", status=1).stdout)
    assert document["schema"] == 1
    [turbo] = [one for one in document["plugins"] if one["name"] == "turbo"]
    assert turbo["broken"].startswith("it raised ImportError: no turbo")
    assert turbo["offers"] == {}


# --------------------------------------------------------------------------------------- settings


@pytest.fixture
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with a configuration file in it."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "beautyspot.toml"
    path.write_text(
        'ttl = "7d"\nstorage = {use = "s3", bucket_name = "b", aws_secret_access_key = "hush"}\n'
        '[profiles.prod]\nmetadata = "redis://user:hush@db/0"\n'
    )
    return path


def test_config_says_each_value_and_where_it_comes_from(
    configured: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BEAUTYSPOT_MODE", "readonly")
    monkeypatch.setenv("BEAUTYSPOT_SIGNING_KEY", "hush" * 8)
    done = run("--profile", "prod", "config")
    told = {row["SETTING"]: (row["VALUE"], row["FROM"]) for row in rows(done)}
    assert told["ttl"] == ("604800.0", str(configured))
    assert told["metadata"] == ("'redis://***@db/0'", f"{configured} [profiles.prod]")
    assert told["mode"] == ("'readonly'", "environment BEAUTYSPOT_MODE")
    assert told["enabled"] == ("True", "default")
    assert "hush" not in done.output
    changed = {row["SETTING"] for row in rows(run("config", "--changed"))}
    assert changed == {"ttl", "storage", "mode", "signing_key"}


def test_config_without_a_change_says_so(shop: Path) -> None:
    done = run("config", "--changed")
    assert done.stdout == ""
    assert "every setting is at its default" in done.stderr


def test_config_as_json_has_plain_values_and_no_secrets(configured: Path) -> None:
    done = run("--config", str(configured), "config", "--json")
    document = json.loads(done.stdout)
    told = {row["setting"]: (row["value"], row["source"]) for row in document["settings"]}
    assert told["ttl"] == (604800.0, str(configured))
    assert told["db_path"] == (None, "default")
    assert told["enabled"] == (True, "default")
    assert "bucket_name = 'b'" in told["storage"][0]
    assert "hush" not in done.output


# ------------------------------------------------------------------------------------- completion


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_the_script_of_a_shell(shell: str) -> None:
    script = run("completion", shell).stdout
    assert f"_BEAUTYSPOT_COMPLETE={shell}_complete" in script


# -------------------------------------------------------------------------------------- dashboard


def test_without_the_dashboard_ui_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("beautyspot_cli.setup.find_spec", lambda _: None)
    assert "beautyspot-dashboard" in run("ui", status=2).stderr


@pytest.mark.parametrize(("answer", "status"), [(None, 0), (3, 3)])
def test_ui_hands_its_words_to_the_dashboard(
    answer: int | None, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[list[str]] = []

    def main(arguments: list[str]) -> int | None:
        given.append(arguments)
        return answer

    name = "beautyspot_dashboard"
    made = module(name, main=main, __spec__=ModuleSpec(name, None))  # type: ignore[no-untyped-call]
    monkeypatch.setitem(sys.modules, name, made)
    run("-s", "of/all", "ui", "folder/", "--port", "80", "--help", status=status)
    assert given == [["--store", "of/all", "folder/", "--port", "80", "--help"]]
