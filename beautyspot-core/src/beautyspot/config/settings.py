"""The settings of a Spot that environment and files can give too, and its name: their checks."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from beautyspot.config.signing import SHORTEST, SigningKeys
from beautyspot.contracts import DURATION, SIZE, byte_count, seconds
from beautyspot.contracts.checked import fitting, flag, text
from beautyspot.errors import ConfigError
from beautyspot.messages import MASK, checked, masked

LIFETIME: Final = f'{DURATION}, or "none" for ever'

_UNIT: Final = 12
"""Characters of a unit of prices."""

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
        what: str,
        *,
        is_path: bool = False,
        is_secret: bool = False,
    ) -> None:
        self.name = name
        self.default = default
        self.expects = expects
        self.check = check
        self.what = what
        self.is_path = is_path
        self.is_secret = is_secret

    @property
    def variable(self) -> str:
        """Its environment variable."""
        return f"BEAUTYSPOT_{self.name.upper()}"

    def checked(self, value: Any, where: str, *, is_text: bool = False) -> Any:
        """`value`, which is a text if it comes from the environment, in its final form.

        Args:
            value: what was given.
            where: as for `messages.checked`.
            is_text: whether it comes from the environment.

        Raises:
            ConfigError: it is of another type or out of range; says what is expected.
        """
        shown = MASK if self.is_secret else masked(value)

        def check(_: object) -> Any:
            return self.check(_of_text(value.strip()) if is_text else value)

        return checked(self.name, shown, check, self.expects, where)


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
    names = [table.get("name", "") if isinstance(table, Mapping) else "" for table in value]
    if not all(re.fullmatch(_LIMIT_NAME, name) for name in names) or not names:
        signs = "of letters, digits, spaces, - and _"
        raise ConfigError(
            f'each of several limits is a table with a "name" {signs}: write {_LIMIT}'
        )
    if len({*names}) < len(names):
        raise ConfigError(f"two of the limits {names} have one name: give each its own")
    return [dict(table) for table in value]


def switch(value: object) -> Any:
    """True or False, also as a text; else a TypeError or ValueError."""
    return boolean(value) if isinstance(value, str) else flag(value)


def _compression(value: object) -> str | None:
    """How to compress; None is not at all."""
    word = value.lower() if isinstance(value, str) else value
    if word not in (None, False, "none", "zstd"):
        raise ValueError("no compression")
    return "zstd" if word == "zstd" else None


def _of_text(text: str) -> object:
    """What a file would give in the place of an environment variable's text.

    That is the text, or the table or the list that it is in the form of TOML.
    """
    if not text.startswith(("{", "[")):
        return text
    import tomllib

    try:
        return tomllib.loads(f"x = {text}")["x"]
    except (ValueError, RecursionError) as exc:  # the text may be a secret, and is not shown
        why = re.sub(r" \(at .*", "", str(exc))  # a place in a text that the user does not see
        advice = 'write {use = "name", option = "value"}'
        raise ConfigError(f"it is no table in TOML's form ({why}): {advice}") from None


_BACKEND: Final = 'a backend\'s name, URL, class or instance, or a table with "use"'

SETTINGS: Final[dict[str, Setting]] = {
    setting.name: setting
    for setting in (
        Setting(
            "directory", ".beautyspot", "a path", _path,
            "the folder of the database and of local blobs", is_path=True,
        ),
        Setting(
            "db_path", None, 'a path, or "none" for <directory>/<name>.db', or_none(_path),
            "the file of the SQLite database", is_path=True,
        ),
        Setting("metadata", "sqlite", _BACKEND, _backend, "the metadata store"),
        Setting("storage", "local", _BACKEND, _backend, "the storage of large results"),
        Setting("serializer", "msgpack", _BACKEND, _backend, "turns results into bytes"),
        Setting("keygen", "stable", _BACKEND, _backend, "turns arguments into keys"),
        Setting(
            "limiter", None,
            f'{_BACKEND}, a rate such as "600/min", a list of tables with a "name" each, or "none"',
            or_none(_limits), "the rate limit, or several that hold at once",
        ),
        Setting(
            "save", "sync", '"sync" or "background"', fitting(("sync", "background").__contains__),
            "whether a call waits until its result is stored",
        ),
        Setting(
            "ttl", None, LIFETIME, or_none(seconds),
            "how long a result is valid",
        ),
        Setting(
            "blob_threshold", 2**17, SIZE, byte_count,
            "a larger result goes to the storage",
        ),
        Setting(
            "compress", None, '"zstd", or False or "none" for no compression', _compression,
            "compresses what is stored, where that makes it smaller",
        ),
        Setting(
            "max_size", None, f'{SIZE}, or "none" for no limit', or_none(byte_count),
            "the store is kept under it: what was not used for the longest time goes",
        ),
        Setting("enabled", True, "true or false", switch, "false: calls run uncached"),
        Setting("strict", False, "true or false", switch, "true: our own failures raise"),
        Setting(
            "profile", None, 'the name of a profile, or "none"', or_none(text),
            "the table of the file that wins over its base table",
        ),
        Setting(
            "wait_timeout", 600.0, DURATION, seconds,
            "how long a call waits for another one that computes the same result",
        ),
        Setting(
            "mode", "normal", '"normal", "readonly", "replay" or "refresh"',
            fitting(("normal", "readonly", "replay", "refresh").__contains__),
            "readonly: nothing is stored; replay: nothing runs, and a miss raises; refresh: each "
            "call runs, and replaces what is stored",
        ),
        Setting(
            "arguments", None, 'true, false, or "none" to decide by the store', or_none(switch),
            "whether results show people the arguments of their calls",
        ),
        Setting(
            "price_unit", None, f'1 to {_UNIT} characters, such as "$" or "USD", or "none"',
            or_none(_unit), "the unit of what mark(price=) says, shown beside each amount",
        ),
        Setting(
            "signing_key", None,
            f"a text or bytes of at least {SHORTEST} bytes, or a list of them, of which the first "
            'signs, or "none"',
            or_none(lambda keys: keys if isinstance(keys, SigningKeys) else SigningKeys(keys)),
            "signs results, so that a shared store is trusted no further", is_secret=True,
        ),
    )
}  # fmt: skip
"""Setting by name, in the order of the manual."""


_NAME: Final = (
    r"(?!.*\.\.)"
    r"(?!(?i:con|prn|aux|nul|com\d|lpt\d) *(?:\.|$))"  # devices on Windows, with an extension too
    r"(?![. ])(?:[\w .+@-]|[^\x00-\x7f]){1,100}(?<![. ])"
)
_BYTES: Final = 240
"""File systems take 255, and ".db-wal" comes behind."""


def check_name(name: object) -> str:
    """`name`, if it can be the name of a Spot on every operating system.

    Raises:
        ConfigError: it can't; says which characters are allowed.
    """
    text = name if isinstance(name, str) else ""
    fits = re.fullmatch(_NAME, text) and text.isprintable()
    if fits and len(text.encode()) <= _BYTES:
        return text
    folder = " For a folder, give directory=." if {"/", "\\"} & set(text) else ""
    raise ConfigError(
        f"{name!r:.120} can't be the name of a Spot.{folder} Use 1 to 100 letters, digits, spaces "
        "and the signs - _ . + @, with no dot or space at either end, no '..', and no device of "
        "Windows such as NUL"
    )
