"""The settings of a Spot, resolved: for each its value and where it comes from.

Arguments win over the environment, the environment over the file, the file over the defaults. In a
file a profile inherits from the base table, key by key::

    [tool.beautyspot]                 # in pyproject.toml; in beautyspot.toml without that prefix
    storage = "local"
    [tool.beautyspot.profiles.prod]
    storage = "s3://bucket/cache"
    limiter = { use = "gcra", rate = "600/min" }

A relative path in a file starts from the file's folder; in an argument or an environment variable
from the working directory.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from beautyspot.config.settings import SETTINGS
from beautyspot.errors import ConfigError
from beautyspot.files import absolute
from beautyspot.logs import warn_once
from beautyspot.messages import did_you_mean, listing, masked, synonym

if TYPE_CHECKING:
    from beautyspot.config.toml_files import ConfigFile

__all__ = ["UNSET", "Config", "Row", "resolve"]

PREFIX: Final = "BEAUTYSPOT_"
_OTHER_VARIABLES: Final = frozenset({"plugins", "config", "store"})
_ONLY_IN_CODE: Final = frozenset({"name", "executor", "on_error", "plugins", "config"})
_PROFILES: Final = "profiles"


class _Unset:
    """The type of `UNSET`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final[Any] = _Unset()
"""The value of an argument that was not given. (Any: it may stand as a default of every type.)"""


class Row(NamedTuple):
    """One line of a `Config`, as text that may be shown."""

    setting: str
    value: str
    source: str


class _Given(NamedTuple):
    """A value, where it comes from, and the folder from which a relative path in it starts."""

    value: Any
    source: str
    anchor: Path | None = None


class Config(Mapping[str, Any]):
    """All settings of a Spot; read-only. ``print(config)`` shows a table, secrets masked."""

    __slots__ = ("_given",)

    def __init__(self, given: Mapping[str, _Given]) -> None:
        self._given = dict(given)

    def __getitem__(self, setting: str) -> Any:
        return self._given[setting].value

    def __iter__(self) -> Iterator[str]:
        return iter(self._given)

    def __len__(self) -> int:
        return len(self._given)

    @classmethod
    def read(
        cls, *, profile: str | None = None, config: str | os.PathLike[str] | bool | None = None
    ) -> Config:
        """The settings of a Spot that gets no other arguments than these two, which is not made.

        Args:
            profile: the profile of the file to take; None to leave that to environment and file.
            config: a file to read; False to read none; None to find one.

        Raises:
            ConfigError: an unknown setting or profile, a wrong type or value, an unreadable file.
        """
        return resolve({}, config=config, profile=profile)

    def source(self, setting: str) -> str:
        """Where a setting comes from.

        ``argument``, ``environment BEAUTYSPOT_TTL``, ``/path/beautyspot.toml [profiles.prod]`` or
        ``default``.
        """
        return self._given[setting].source

    def anchor(self, setting: str) -> Path | None:
        """The folder from which a setting's relative paths start; None: the working directory."""
        return self._given[setting].anchor

    def table(self) -> list[Row]:
        """One row for each setting, secrets masked."""
        return [Row(key, _shown(given.value), given.source) for key, given in self._given.items()]

    def __repr__(self) -> str:
        rows = self.table()
        wide = [max(len(row[column]) for row in rows) for column in (0, 1)]
        return "\n".join(f"{r.setting:{wide[0]}}  {r.value:{wide[1]}}  {r.source}" for r in rows)


def resolve(
    arguments: Mapping[str, Any],
    *,
    config: str | os.PathLike[str] | bool | None = None,
    profile: str | None = None,
    environ: Mapping[str, str] = os.environ,
    cwd: str | os.PathLike[str] | None = None,
) -> Config:
    """All settings, and where each comes from.

    Args:
        arguments: setting -> value, of those that were given.
        config: a file to read; False to read none; None to find one, see `toml_files`.
        profile: the profile of the file to take; None to leave that to environment and file.
        environ: the environment.
        cwd: where to look for a file, default the working directory.

    Raises:
        ConfigError: an unknown setting or profile, a wrong type or value, an unreadable file.
    """
    if profile is not None:
        arguments = {**arguments, "profile": profile}
    given = {
        key: _Given(SETTINGS[key].checked(value, "argument {}"), "argument")
        for key, value in arguments.items()
    }
    environment = _from_environment(environ)
    file = _file(config, environ, cwd)
    chosen = given.get("profile") or environment.get("profile")
    if config is False and "profile" not in given:
        chosen = None  # BEAUTYSPOT_PROFILE is for programs that read a file
    defaults = {key: _Given(setting.default, "default") for key, setting in SETTINGS.items()}
    return Config({**defaults, **_from_file(file, chosen), **environment, **given})


def _from_environment(environ: Mapping[str, str]) -> dict[str, _Given]:
    """What the environment gives; an empty variable gives nothing, and an unknown one a warning."""
    found = {}
    for key, setting in SETTINGS.items():
        text, where = environ.get(setting.variable, "").strip(), f"environment {setting.variable}"
        if text:
            shown = f"{where.replace(' ', ' variable ')}: {{}}"
            value = setting.checked(text, shown, is_text=True)
            found[key] = _Given(value, where)
    words = {*SETTINGS, *_OTHER_VARIABLES}
    for name in environ:  # other programs share it: an error would be too much
        word = name.removeprefix(PREFIX).lower()
        if name.startswith(PREFIX) and word not in words:
            warn_once(
                f"the environment variable {name} means nothing to beautyspot."
                f"{did_you_mean(word, words)} The names behind {PREFIX}: {listing(words).upper()}"
            )
    return found


def _file(
    config: str | os.PathLike[str] | bool | None,
    environ: Mapping[str, str],
    cwd: str | os.PathLike[str] | None,
) -> ConfigFile | None:
    if config is False:
        return None
    from beautyspot.config.toml_files import find_file, read_file

    if config is True or not isinstance(config, str | os.PathLike | None):
        raise ConfigError(f"config={config!r:.80}: give the path of a file, or False to read none")
    path = config or environ.get("BEAUTYSPOT_CONFIG", "").strip()
    if path:
        return read_file(absolute(Path(cwd or "") / Path(path).expanduser(), "config"))
    try:
        return find_file(Path(cwd or "").absolute())
    except OSError:  # the working directory was removed
        return None


def _from_file(file: ConfigFile | None, chosen: _Given | None) -> dict[str, _Given]:
    if file is None:
        if chosen is not None and chosen.value is not None:
            raise ConfigError(
                f"the profile {chosen.value!r} ({chosen.source}) needs a configuration file, and "
                "none is read: write [profiles.<name>] in beautyspot.toml, or give config=<path>"
            )
        return {}
    found = _from_table(file, (), {k: v for k, v in file.table.items() if k != _PROFILES})
    tables = file.table.get(_PROFILES, {})
    if not isinstance(tables, dict) or not all(isinstance(each, dict) for each in tables.values()):
        raise ConfigError(f"write {file.where(_PROFILES, '<name>')}: each profile is a table")
    # All of them are read: a mistake in any of them is an error.
    profiles = {name: _from_table(file, (_PROFILES, name), each) for name, each in tables.items()}
    chosen = chosen or found.get("profile")
    if chosen is None or chosen.value is None:
        return found
    if chosen.value not in profiles:
        raise ConfigError(
            f"there is no profile {chosen.value!r} ({chosen.source})."
            f"{did_you_mean(chosen.value, profiles)} There are: {listing(profiles)}: "
            f"write a table {file.where(_PROFILES, chosen.value)}"
        )
    return {**found, **profiles[chosen.value], "profile": chosen}


def _from_table(
    file: ConfigFile, tables: tuple[str, ...], table: dict[str, Any]
) -> dict[str, _Given]:
    where, found = file.where(*tables), {}
    for key, raw in table.items():
        if tables and key == "profile":
            raise ConfigError(f"{where}: a profile can't name a profile: remove the key {key!r}")
        _check_known(key, where, others=() if tables else (_PROFILES,))
        value = SETTINGS[key].checked(raw, f"{where}: {{}}")
        if SETTINGS[key].is_path and value is not None:
            value = str(file.path.parent / value)
        found[key] = _Given(value, where, file.path.parent)
    return found


def _check_known(key: str, where: str, others: tuple[str, ...] = ()) -> None:
    if key in SETTINGS:
        return
    if key in _ONLY_IN_CODE:
        raise ConfigError(f"{where}: {key!r} can only be given in code: pass it to Spot(...)")
    raise ConfigError(
        f"{where}: there is no setting {key!r}."
        f"{synonym(key, SETTINGS) or did_you_mean(key, [*SETTINGS, *others])} "
        f"The settings: {listing(SETTINGS)}"
    )


def _shown(value: object) -> str:
    value = masked(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_shown(item)}" for key, item in value.items()) + "}"
    if value is None or isinstance(value, str | int | float | list | tuple):
        return repr(value)
    # An object's own text may hold a secret.
    return f"<{getattr(value, '__qualname__', type(value).__qualname__)}>"
