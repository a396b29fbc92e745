"""Settings from arguments, environment, file and defaults, and where each comes from."""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

import pytest
from beautyspot.config.resolve import UNSET, resolve
from beautyspot.config.settings import SETTINGS
from beautyspot.contracts import seconds
from beautyspot.errors import ConfigError
from beautyspot.logs import forget_warnings

EXAMPLES = {
    "directory": ("cache", "cache"),
    "db_path": ("x.db", "x.db"),
    "metadata": ("sqlite://x", "sqlite://x"),
    "storage": ("s3://b", "s3://b"),
    "serializer": ("json", "json"),
    "keygen": ("other", "other"),
    "limiter": ("600/min", "600/min"),
    "save": ("background", "background"),
    "ttl": ("7d", 604800.0),
    "blob_threshold": ("64 KiB", 65536),
    "compress": ("zstd", "zstd"),
    "max_size": ("1.5 GB", 1_500_000_000),
    "enabled": ("off", False),
    "strict": ("yes", True),
    "profile": ("none", None),
    "wait_timeout": ("90", 90.0),
    "mode": ("replay", "replay"),
    "arguments": ("off", False),
    "price_unit": ("USD", "USD"),
    "signing_key": ("none", None),
}
"""Setting -> text in the environment, value."""


@pytest.fixture(autouse=True)
def _forget_warnings():
    forget_warnings()


@pytest.fixture
def project(tmp_path):
    """A repository."""
    (tmp_path / ".git").mkdir()
    return tmp_path


@pytest.fixture
def in_project(project):
    """Resolve in the repository, with no environment."""

    def run(arguments=MappingProxyType({}), *, environ=MappingProxyType({}), **kwargs):
        return resolve(arguments, environ=environ, **{"cwd": project, **kwargs})

    return run


def write(folder: Path, text: str, name: str = "beautyspot.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


# -------------------------------------------------------------------------------------- order


def test_defaults(in_project):
    config = in_project()
    assert dict(config) == {key: setting.default for key, setting in SETTINGS.items()}
    assert {config.source(key) for key in config} == {"default"}
    assert config.anchor("storage") is None


def test_every_setting_has_an_example_here():
    assert EXAMPLES.keys() == SETTINGS.keys()


@pytest.mark.parametrize("key", EXAMPLES)
def test_every_setting_from_the_environment(in_project, key):
    text, value = EXAMPLES[key]
    config = in_project(environ={f"BEAUTYSPOT_{key.upper()}": f" {text} "})
    assert (config[key], type(config[key])) == (value, type(value))
    assert config.source(key) == f"environment BEAUTYSPOT_{key.upper()}"


@pytest.mark.parametrize("key", sorted(EXAMPLES.keys() - {"profile"}))
def test_every_setting_from_a_file(in_project, project, key):
    value = EXAMPLES[key][1]
    text = str(value).lower() if isinstance(value, bool | float | int) else f'"{value}"'
    path = write(project, f"# a comment\n{key} = {text}\n")
    config = in_project()
    assert config[key] == (str(project / value) if SETTINGS[key].is_path else value)
    assert config.source(key) == str(path)
    assert config.anchor(key) == project


def test_arguments_over_environment_over_file_over_defaults(in_project, project):
    path = write(project, 'ttl = 1\nsave = "background"\nstorage = "file"\n')
    environ = {"BEAUTYSPOT_TTL": "2", "BEAUTYSPOT_STORAGE": "env"}
    config = in_project({"ttl": 3}, environ=environ)
    assert config["ttl"] == 3
    assert config["storage"] == "env"
    assert config["save"] == "background"
    assert config["keygen"] == "stable"
    assert [config.source(key) for key in ("ttl", "storage", "save", "keygen")] == [
        "argument",
        "environment BEAUTYSPOT_STORAGE",
        str(path),
        "default",
    ]


def test_none_undoes_what_lies_beneath(in_project, project):
    write(project, 'ttl = 5\nlimiter = "9/s"\n[profiles.free]\nttl = "none"\nlimiter = "none"\n')
    config = in_project(profile="free")
    assert config["ttl"] is None
    assert config["limiter"] is None
    assert in_project(environ={"BEAUTYSPOT_TTL": "None"})["ttl"] is None
    assert in_project({"ttl": None})["ttl"] is None


# -------------------------------------------------------------------------------- environment


@pytest.mark.parametrize("text", ["0", "false", "NO", "off"])
def test_the_off_switch(in_project, text):
    assert in_project(environ={"BEAUTYSPOT_ENABLED": text})["enabled"] is False


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("BEAUTYSPOT_ENABLED", "maybe"),
        ("BEAUTYSPOT_STRICT", "2"),
        ("BEAUTYSPOT_TTL", "-1"),
        ("BEAUTYSPOT_TTL", "7 fortnights"),
        ("BEAUTYSPOT_BLOB_THRESHOLD", "1 mile"),
        ("BEAUTYSPOT_BLOB_THRESHOLD", "-1"),
        ("BEAUTYSPOT_SAVE", "later"),
        ("BEAUTYSPOT_WAIT_TIMEOUT", "inf"),
    ],
)
def test_a_bad_variable_is_named(in_project, variable, text):
    with pytest.raises(ConfigError, match=f"environment variable {variable}") as caught:
        in_project(environ={variable: text})
    assert repr(text) in str(caught.value)


def test_a_table_in_the_environment(in_project):
    text = '{ use = "gcra", rate = "600/min", max_cost = 600 }'
    config = in_project(environ={"BEAUTYSPOT_LIMITER": text})
    assert config["limiter"] == {"use": "gcra", "rate": "600/min", "max_cost": 600}


def test_an_unknown_variable_warns_once(in_project, caplog):
    environ = {"BEAUTYSPOT_TTLL": "x", "BEAUTYSPOT_PLUGINS": "s3", "OTHER": "x"}
    with caplog.at_level(logging.WARNING, "beautyspot"):
        in_project(environ=environ)
        in_project(environ=environ)
    (record,) = caplog.records
    assert record.getMessage().startswith(
        "the environment variable BEAUTYSPOT_TTLL means nothing to beautyspot. Did you mean 'ttl'?"
    )


# ------------------------------------------------------------------------------------- values

_DURATIONS = [
    (5, 5.0), (0, 0.0), (2.5, 2.5), ("5", 5.0), ("1.5", 1.5), ("45s", 45.0), ("45 sec", 45.0),
    ("30min", 1800.0), ("12h", 43200.0), ("7d", 604800.0), ("2w", 1209600.0), ("500ms", 0.5),
    ("7 days", 604800.0), ("1 hour 2 minutes", 3720.0), ("3 seconds", 3.0), ("1 week", 604800.0),
    ("1h30min", 5400.0), (" 1D 12H ", 129600.0), (timedelta(hours=1), 3600.0),
    ("1h30m", 5400.0), ("1h 30m", 5400.0), ("90m", 5400.0), ("10 minutes", 600.0),
    ("1 day", 86400.0), ("2 hrs 5 mins", 7500.0), ("20 milliseconds", 0.02), ("\u0661h", 3600.0),
]  # fmt: skip


@pytest.mark.parametrize(("value", "expected"), _DURATIONS)
def test_durations(value, expected):
    assert seconds(value) == expected


@pytest.mark.parametrize(
    "value",
    [-1, "-1", float("nan"), float("inf"), "nan", "x", "", "5x", "5h x", "h", "1h-5min", True]
    + [None, [], timedelta(-1), 10**400]
    + [
        "1M",
        "1h30M",
        "1 mo",
        "1 month",
        "1 year",
        "1y",
        "1h and 5m",
        "1h30",
        "1,5h",
        "1h,30m",
        "P1D",
        "1h" * 60,
    ],
)
def test_no_durations(value):
    with pytest.raises((TypeError, ValueError)):
        seconds(value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("directory", 3), ("directory", ""), ("directory", None), ("directory", b"x"),
        ("directory", "a\0b"), ("db_path", 3), ("metadata", 3), ("storage", None), ("storage", ""),
        ("storage", True), ("serializer", b"x"), ("keygen", ["x"]), ("limiter", 1.5),
        ("save", "later"), ("save", True), ("ttl", -1), ("ttl", "soon"), ("ttl", True),
        ("blob_threshold", -1), ("blob_threshold", 1.5), ("blob_threshold", True),
        ("blob_threshold", "x"), ("enabled", 1), ("strict", "x"), ("profile", 3), ("profile", ""),
        ("wait_timeout", None), ("wait_timeout", -0.1), ("mode", "off"), ("mode", None),
    ],
)  # fmt: skip
def test_a_wrong_argument_says_what_is_expected(in_project, key, value):
    with pytest.raises(ConfigError) as caught:
        in_project({key: value})
    told = str(caught.value)
    assert told == f"argument {key}={value!r}: give {SETTINGS[key].expects}"


# ------------------------------------------------------------------------------------ profiles

_PROFILES = """\
storage = "local"
ttl = 10
[profiles.prod]
storage = "s3://b"
[profiles.test]
enabled = false
"""


def test_a_profile_inherits_key_by_key(in_project, project):
    path = write(project, _PROFILES)
    config = in_project(profile="prod")
    assert (config["storage"], config["ttl"], config["profile"]) == ("s3://b", 10, "prod")
    assert config.source("storage") == f"{path} [profiles.prod]"
    assert config.source("ttl") == str(path)
    assert config.source("profile") == "argument"
    assert in_project()["storage"] == "local"


def test_who_chooses_the_profile(in_project, project):
    path = write(project, f'profile = "test"\n{_PROFILES}')
    config = in_project()
    assert (config["profile"], config["enabled"]) == ("test", False)
    assert config.source("profile") == str(path)
    environ = {"BEAUTYSPOT_PROFILE": "prod"}
    config = in_project(environ=environ)
    assert (config["profile"], config["storage"], config["enabled"]) == ("prod", "s3://b", True)
    assert config.source("profile") == "environment BEAUTYSPOT_PROFILE"
    assert in_project(environ=environ, profile="test")["enabled"] is False
    assert in_project({"profile": "test"}, environ=environ)["enabled"] is False
    assert in_project({"profile": "none"}, environ=environ)["profile"] is None
    assert in_project(environ={"BEAUTYSPOT_PROFILE": "none"})["enabled"] is True


def test_a_profile_without_any_file(in_project):
    with pytest.raises(ConfigError, match=r"'prod' \(argument\) needs a configuration file"):
        in_project(profile="prod")
    with pytest.raises(ConfigError, match="needs a configuration file"):
        in_project(environ={"BEAUTYSPOT_PROFILE": "prod"})
    with pytest.raises(ConfigError, match="needs a configuration file"):
        in_project(profile="prod", config=False)
    assert in_project(profile="none")["profile"] is None


# ------------------------------------------------------------------------------------- showing


def test_the_view_is_a_table_without_secrets(in_project, project):
    class Mine:
        def __repr__(self):
            raise AssertionError("an object's own text may hold a secret")

    path = write(project, 'limiter = { use = "gcra", api_key = "HUSH", rate = 5 }\n')
    config = in_project(
        {"storage": Mine(), "keygen": Mine},
        environ={"BEAUTYSPOT_METADATA": "x://u:HUSH@h?token=HUSH"},
    )
    text = str(config)
    assert "HUSH" not in text
    assert "HUSH" not in repr(config)
    rows = {row.setting: row for row in config.table()}
    assert list(rows) == list(SETTINGS)
    assert rows["limiter"].value == "{use = 'gcra', api_key = '***', rate = 5}"
    assert rows["limiter"].source == str(path)
    assert rows["metadata"].value == "'x://***@h?token=***'"
    assert rows["storage"].value.endswith("Mine>")
    assert rows["keygen"].value.endswith("Mine>")
    assert rows["ttl"].value == "None"
    lines = text.splitlines()
    assert len(lines) == len(SETTINGS)
    starts = {line.index(row.source, 20) for line, row in zip(lines, rows.values(), strict=True)}
    assert len(starts) == 1


def test_no_error_shows_a_secret(in_project, project):
    values = (("storage", ["x://u:HUSH@h"]), ("ttl", "token=HUSH"), ("ttl", {"key": "HUSH"}))
    for key, value in values:
        with pytest.raises(ConfigError) as caught:
            in_project({key: value})
        assert "HUSH" not in str(caught.value)
    with pytest.raises(ConfigError, match="no table in TOML's form") as caught:
        in_project(environ={"BEAUTYSPOT_SIGNING_KEY": "[HUSHHUSHHUSHHUSH"})
    assert "HUSH" not in str(caught.value)
    assert repr(UNSET) == "UNSET"
