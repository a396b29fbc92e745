"""The settings of a Spot that environment and files can give too, and its name: their checks."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from beautyspot.config.signing import SHORTEST, SigningKeys
from beautyspot.contracts import DURATION, SIZE, byte_count, seconds
from beautyspot.errors import ConfigError
from beautyspot.messages import MASK, masked

LIFETIME: Final = f'{DURATION}, or "none" for ever'

_UNIT: Final = 12
"""Characters of a unit of prices."""

COMPRESSION: Final = '"zstd", or False or "none" for no compression'
"""What `compression` takes, for messages."""

_BOOLEANS: Final = {
    "1": True, "true": True, "yes": True, "on": True,
    "0": False, "false": False, "no": False, "off": False,
}  # fmt: skip
_LIMIT_NAME: Final = r"[A-Za-z0-9_][A-Za-z0-9_ -]*"
_LIMIT: Final = '{name = "requests", use = "gcra", rate = "600/min"}'


class Setting:
    """One setting.

    Attributes:
        name: as an argument and in files; ``BEAUTYSPOT_<NAME>`` in the environment.
        default: its value if none is given.
        expects: what it takes, for messages and the manual.
        check: gives the value back in its final form.
            Raises TypeError or ValueError, without a message worth showing, or ConfigError, which
            says more than `expects`.
        read: turns an environment variable's text into what a file would give. Raises the same.
        what: its meaning, for the manual.
        is_path: whether a relative one in a file starts from the file's folder.
        is_secret: whether no message and no table may show it.
    """

    def __init__(
        self,
        name: str,
        default: Any,
        expects: str,
        check: Callable[[object], Any],
        read: Callable[[str], object],
        what: str,
        *,
        is_path: bool = False,
        is_secret: bool = False,
    ) -> None:
        self.name = name
        self.default = default
        self.expects = expects
        self.check = check
        self.read = read
        self.what = what
        self.is_path = is_path
        self.is_secret = is_secret

    @property
    def variable(self) -> str:
        """Its environment variable."""
        return f"BEAUTYSPOT_{self.name.upper()}"

    def checked(self, value: Any, where: str, *, is_text: bool = False) -> Any:
        """`value`, which is a text if it comes from the environment, in its final form.

        Raises:
            ConfigError: it is of another type or out of range; says what is expected.
        """
        try:
            return self.check(self.read(value.strip()) if is_text else value)
        except ConfigError as exc:
            raise ConfigError(f"{where}: {self.name}: {exc}") from None
        except (TypeError, ValueError):
            given = MASK if self.is_secret else f"{masked(value)!r:.120}"
            raise ConfigError(
                f"{where}: {self.name} takes {self.expects}, not {given} ({type(value).__name__})"
            ) from None


def boolean(text: str) -> bool:
    """What 1/0, true/false, yes/no or on/off mean.

    Raises:
        ValueError: `text` is none of these.
    """
    value = _BOOLEANS.get(text.strip().lower())
    if value is None:
        raise ValueError("write 1/0, true/false, yes/no or on/off")
    return value


def or_none(check: Callable[[object], Any]) -> Callable[[object], Any]:
    """The same check, and None; in texts, files and options ``"none"`` means None."""

    def checked(value: object) -> Any:
        if value is None or (isinstance(value, str) and value.lower() == "none"):
            return None
        return check(value)

    return checked


def fitting(fits: Callable[[Any], bool]) -> Callable[[object], Any]:
    """A check that gives a value back, where it fits; else it raises a ValueError."""

    def checked(value: object) -> Any:
        if fits(value):
            return value
        raise ValueError("it does not fit")

    return checked


count: Final = fitting(lambda n: isinstance(n, int) and not isinstance(n, bool) and n >= 0)
"""A whole number, 0 or more; else a ValueError."""

flag: Final = fitting(lambda value: isinstance(value, bool))
text: Final = fitting(lambda value: isinstance(value, str) and value != "")
_unit = fitting(lambda it: isinstance(it, str) and 0 < len(it) <= _UNIT and it.isprintable())


def _path(value: object) -> str:
    path = os.fspath(value)  # type: ignore[call-overload]  # it raises the TypeError for us
    if not isinstance(path, str) or not path or "\0" in path:
        raise ValueError("no path")
    return os.path.expanduser(path)  # noqa: PTH111 - a text in, a text out


def _backend(value: object) -> object:
    """A text or a table; what else an argument may be is checked where the backend is made."""
    if value is None or value == "" or isinstance(value, bool | int | float | bytes | list | tuple):
        raise TypeError("no backend")
    return dict(value) if isinstance(value, Mapping) else value


def _limits(value: object) -> object:
    """A backend, or several tables with a name each."""
    if not isinstance(value, list | tuple):
        return _backend(value)
    names: list[str] = []
    for table in value:
        if not isinstance(table, Mapping) or "name" not in table:
            raise ConfigError(f'each of several limits is a table with a "name": write {_LIMIT}')
        name = table["name"]
        if not isinstance(name, str) or not re.fullmatch(_LIMIT_NAME, name):
            signs = "use letters, digits, spaces, - and _"
            raise ConfigError(f"the name of a limit can't be {name!r:.80}: {signs}")
        if name in names:
            raise ConfigError(f"two of the limits have the name {name!r}: give each its own")
        names.append(name)
    if not names:
        raise ConfigError('a list of limits holds none: name some, or write "none"')
    return [dict(table) for table in value]


def compression(value: object) -> str | None:
    """How to compress, or None.

    Raises:
        ValueError: it is none of `COMPRESSION`.
    """
    word = value.lower() if isinstance(value, str) else value
    if word is None or word is False or word == "none":
        return None
    if word == "zstd":
        return "zstd"
    raise ValueError("no compression")


def _table(text: str) -> object:
    """A text, or the table or the list that it is in the form of TOML."""
    if not text.startswith(("{", "[")):
        return text
    import tomllib

    try:
        return tomllib.loads(f"x = {text}")["x"]
    except (ValueError, RecursionError) as exc:
        why = re.sub(r" \(at .*", "", str(exc))  # a place in a text that the user does not see
        advice = 'write {use = "name", option = "value"}'
        shown = f"{masked(text)!r:.120}"
        raise ConfigError(f"{shown} is no table in TOML's form ({why}): {advice}") from None


_BACKEND: Final = 'a backend\'s name, URL, class or instance, or a table with "use"'

SETTINGS: Final[dict[str, Setting]] = {
    setting.name: setting
    for setting in (
        Setting(
            "directory", ".beautyspot", "a path", _path, str,
            "the folder of the database and of local blobs", is_path=True,
        ),
        Setting(
            "db_path", None, 'a path, or "none" for <directory>/<name>.db', or_none(_path),
            str, "the file of the SQLite database", is_path=True,
        ),
        Setting("metadata", "sqlite", _BACKEND, _backend, _table, "the metadata store"),
        Setting("storage", "local", _BACKEND, _backend, _table, "the storage of large results"),
        Setting("serializer", "msgpack", _BACKEND, _backend, _table, "turns results into bytes"),
        Setting("keygen", "stable", _BACKEND, _backend, _table, "turns arguments into keys"),
        Setting(
            "limiter", None,
            f'{_BACKEND}, a rate such as "600/min", a list of tables with a "name" each, or "none"',
            or_none(_limits), _table, "the rate limit, or several that hold at once",
        ),
        Setting(
            "save", "sync", '"sync" or "background"', fitting(("sync", "background").__contains__),
            str, "whether a call waits until its result is stored",
        ),
        Setting(
            "ttl", None, LIFETIME, or_none(seconds), str,
            "how long a result is valid",
        ),
        Setting(
            "blob_threshold", 2**17, SIZE, byte_count, str,
            "a larger result goes to the storage",
        ),
        Setting(
            "compress", None, COMPRESSION, compression,
            lambda text: text if text.lower() in ("zstd", "none") else boolean(text),
            "compresses what is stored, where that makes it smaller",
        ),
        Setting(
            "max_size", None, f'{SIZE}, or "none" for no limit', or_none(byte_count), str,
            "the store is kept under it: what was not used for the longest time goes",
        ),
        Setting("enabled", True, "true or false", flag, boolean, "false: calls run uncached"),
        Setting("strict", False, "true or false", flag, boolean, "true: our own failures raise"),
        Setting(
            "profile", None, 'the name of a profile, or "none"', or_none(text), str,
            "the table of the file that wins over its base table",
        ),
        Setting(
            "wait_timeout", 600.0, DURATION, seconds, str,
            "how long a call waits for another one that computes the same result",
        ),
        Setting(
            "mode", "normal", '"normal", "readonly", "replay" or "refresh"',
            fitting(("normal", "readonly", "replay", "refresh").__contains__), str,
            "readonly: nothing is stored; replay: nothing runs, and a miss raises; refresh: each "
            "call runs, and replaces what is stored",
        ),
        Setting(
            "arguments", None, 'true, false, or "none" to decide by the store', or_none(flag),
            lambda text: None if text.lower() == "none" else boolean(text),
            "whether results show people the arguments of their calls",
        ),
        Setting(
            "price_unit", None, f'1 to {_UNIT} characters, such as "$" or "USD", or "none"',
            or_none(_unit), str, "the unit of what mark(price=) says, shown beside each amount",
        ),
        Setting(
            "signing_key", None,
            f"a text or bytes of at least {SHORTEST} bytes, or several of them, of which the first "
            'signs, or "none"',
            or_none(lambda keys: keys if isinstance(keys, SigningKeys) else SigningKeys(keys)),
            lambda text: text if text.lower() == "none" else text.split(),
            "signs results, so that a shared store is trusted no further", is_secret=True,
        ),
    )
}  # fmt: skip
"""Setting by name, in the order of the manual."""


MAX_LENGTH: Final = 100

_BYTES: Final = 240  # file systems take 255, and ".db-wal" comes behind
_SIGNS: Final = frozenset(" -_.+@")
# Devices on Windows, also with an extension behind.
_RESERVED: Final = frozenset(
    {"CON", "PRN", "AUX", "NUL", *(f"{port}{n}" for port in ("COM", "LPT") for n in range(10))}
)
_ALLOWED: Final = (
    f"use 1 to {MAX_LENGTH} letters, digits, spaces and the signs - _ . + @, "
    "with no dot or space at either end, and no '..'"
)


def check_name(name: object) -> str:
    """`name`, if it can be the name of a Spot on every operating system.

    Raises:
        ConfigError: it can't; says which characters are allowed.
    """
    if not isinstance(name, str):
        raise ConfigError(f"a Spot's name is a text, not {type(name).__name__}: {_ALLOWED}")
    bad = sorted({char for char in name if not _is_allowed(char)})
    wrong = {
        "it is empty": not name,
        f"it has {' '.join(ascii(char) for char in bad[:5])}": bool(bad),
        "it is too long": len(name) > MAX_LENGTH or len(name.encode("utf-8", "replace")) > _BYTES,
        "a dot or space where none may be": ".." in name or name.strip(" .") != name,
        "Windows keeps that name for a device": name.partition(".")[0].strip().upper() in _RESERVED,
    }
    for why, is_so in wrong.items():
        if is_so:
            folder = ". For a folder, give directory=" if {"/", "\\"} & set(name) else ""
            raise ConfigError(
                f"{name!r:.120} can't be the name of a Spot ({why}): {_ALLOWED}{folder}"
            )
    return name


def _is_allowed(char: str) -> bool:
    if char.isascii():
        return char.isalnum() or char in _SIGNS
    import unicodedata  # takes a quarter of a millisecond, and few names need it

    # L, M, N: letters, the marks that some scripts put on them, and digits of every script.
    return unicodedata.category(char)[0] in "LMN"
