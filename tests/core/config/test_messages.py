"""What a mistake in the settings is told with: where it stands, its key, and what to do."""

from __future__ import annotations

import pytest
from beautyspot.config.resolve import resolve
from beautyspot.errors import ConfigError


@pytest.fixture
def told(tmp_path):
    """The message about a file, the environment, or both; folders are left out of it."""
    (tmp_path / ".git").mkdir()

    def run(text=None, *, environ=(), name="beautyspot.toml", **kwargs):
        if text is not None:
            (tmp_path / name).write_text(text, encoding="utf-8")
        with pytest.raises(ConfigError) as caught:
            resolve({}, environ=dict(environ), cwd=tmp_path, **kwargs)
        return str(caught.value).replace(f"{tmp_path}/", "")

    return run


# ------------------------------------------------------------------------- profiles not chosen


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ('storag = "local"', "there is no setting 'storag'. Did you mean 'storage'?"),
        ('ttl = "soon"', "ttl='soon': give a number of seconds"),
        ('executor = "x"', "'executor' can only be given in code"),
        ('profile = "dev"', "a profile can't name a profile"),
    ],
)
def test_a_mistake_in_a_profile_that_is_not_chosen(told, line, what):
    message = told(f"ttl = 3\n[profiles.dev]\nttl = 4\n[profiles.prod]\n{line}\n", profile="dev")
    assert message.startswith(f"beautyspot.toml [profiles.prod]: {what}")


def test_a_profile_that_is_not_there(told):
    message = told("ttl = 3\n", profile="prd")
    assert message.endswith("There are: none: write a table beautyspot.toml [profiles.prd]")
    message = told("[profiles.prod]\nttl = 3\n[profiles.dev]\n", profile="prd")
    assert message.endswith(
        "Did you mean 'prod'? There are: dev, prod: write a table beautyspot.toml [profiles.prd]"
    )


# ----------------------------------------------------------------------------- environment


@pytest.mark.parametrize(
    "text",
    ['{use="s3"', '{"use": "s3"}', '{use="local" base_dir="x"}', "[1,", "[" * 9999],
)
def test_a_broken_table_in_the_environment(told, text):
    message = told(environ={"BEAUTYSPOT_STORAGE": text})
    assert message.startswith("environment variable BEAUTYSPOT_STORAGE: storage: it is no table in")
    assert message.endswith('): write {use = "name", option = "value"}')
    assert "line 1" not in message  # it is not a line of theirs


def test_a_file_that_the_environment_names(told):
    environ = {"BEAUTYSPOT_CONFIG": "other.toml"}
    message = told(environ=environ)
    assert message.startswith("there is no file other.toml: correct that, or give another by")
    message = told("a = = 3", name="other.toml", environ=environ)
    assert message.startswith("other.toml is no valid TOML: ")
    message = told("", name="pyproject.toml", environ={"BEAUTYSPOT_CONFIG": "pyproject.toml"})
    assert message.startswith("pyproject.toml has no table [tool.beautyspot]")


# ---------------------------------------------------------------------------------- values


@pytest.mark.parametrize("setting", ["ttl", "wait_timeout"])
def test_a_duration_names_the_units(told, setting):
    message = told(f'{setting} = "1 year"')
    assert '"10 minutes" or "1h30m" (units: ms, s, sec, second(s), m, min, ' in message
