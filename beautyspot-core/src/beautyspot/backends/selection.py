"""Make the backend that a setting selects: an instance, a class, a name, a URL or a table.

All of these mean the same::

    storage=S3Storage("bucket", prefix="cache")
    storage="s3://bucket/cache?region_name=eu-west-1"
    storage={"use": "s3", "bucket_name": "bucket", "prefix": "cache"}

The options of a backend are checked against its constructor's signature before it is called. A type
is checked only where an annotation consists of `int`, `float`, `bool`, `str` and `None`. For
whatever else an annotation says, the constructor checks its arguments itself.
"""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from types import NoneType
from typing import TYPE_CHECKING, Any, Final

from beautyspot.backends.registry import base_of, checked_class
from beautyspot.config.settings import SETTINGS, boolean
from beautyspot.errors import BeautyspotError, ConfigError, MetadataError, StorageError
from beautyspot.functions.annotations import signature_of
from beautyspot.messages import did_you_mean, listing, masked, without

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from beautyspot.backends.registry import Registry
    from beautyspot.contracts import Backend, Context

    Wish = tuple[type[Backend], dict[str, Any], dict[str, str]]
    """The class to make, the options that the user gives, and those of a URL, which are texts."""

_RATE: Final = r"[-+.]?\d"
"""How a rate begins; whether the rest makes it one is the limiter's to say."""

_RATE_LIMITER: Final = "gcra"

_URL: Final = r"([A-Za-z][A-Za-z0-9+.-]*)://"


def select(
    point: str,
    spec: object,
    *,
    registry: Registry,
    context: Context,
    source: str = "",
    anchor: Path | None = None,
) -> tuple[Backend, bool]:
    """The backend that `spec` means, and whether it was made here, for the Spot to close.

    Args:
        point: the extension point: metadata, storage, serializer, keygen or limiter.
        spec: an instance, a class, a name, a URL, or a table ``{"use": ..., <option>: ...}`` whose
            ``use`` is one of the latter three; for a limiter also a rate such as ``"600/min"``.
        registry: the backends there are.
        context: where the Spot lives, for the options that the user leaves out.
        source: where `spec` comes from, for messages.
        anchor: the folder that relative paths in `spec` start from; default the working directory.

    Raises:
        ConfigError: `spec`, or an option in it, is wrong.
        BackendNotFound: no plug-in brings it.
        PluginConflictError: several do.
        MetadataError, StorageError: its constructor could not reach its place.
    """
    if isinstance(spec, base_of(point)):
        return spec, False
    origin = f" (from: {source})" if source else ""
    try:
        wish = understood(point, spec, registry)
    except BeautyspotError as exc:
        raise type(exc)(masked(f"{exc}{origin}")) from None  # the original may show a secret
    cls, *given = wish
    what = f"the {point} {cls.name!r}{origin}"
    secrets = {key: value for each in given for key, value in each.items()}
    try:
        return cls(**_options(wish, context, anchor)), True
    except ConfigError as exc:
        raise ConfigError(f"{what}: {without(str(exc), secrets)}") from None
    except BeautyspotError:
        raise
    except Exception as exc:
        # A network or a disk out of reach is no mistake of the user.
        away = {"metadata": MetadataError, "storage": StorageError}.get(point, BeautyspotError)
        error = away if isinstance(exc, OSError) else ConfigError
        why = f"{type(exc).__name__}: {without(str(exc), secrets)}"
        raise error(f"can't make {what}: {why}: correct its options, or what they name") from exc


def depends_on_name(point: str, spec: object, registry: Registry, context: Context) -> bool:
    """Whether a Spot of another name would have another place in the backend that `spec` means."""
    cls, options, query = understood(point, spec, registry)
    one, other = (cls.defaults(context._replace(name=name)) for name in ("a", "b"))
    return any(one[key] != other.get(key) for key in one.keys() - options.keys() - query.keys())


def understood(point: str, spec: object, registry: Registry) -> Wish:
    """What `spec` asks for, which is not made.

    Raises:
        ConfigError, BackendNotFound, PluginConflictError: as for `select`.
    """
    if isinstance(spec, str):
        return _from_text(point, spec.strip(), registry)
    if isinstance(spec, Mapping):
        return _from_table(point, spec, registry)
    return checked_class(spec, base_of(point), f"the {point}:", ConfigError), {}, {}


def is_url(text: str) -> bool:
    """Whether `text` begins with ``scheme://``."""
    return "://" in text and re.match(_URL, text) is not None


def _from_text(point: str, text: str, registry: Registry) -> Wish:
    if not is_url(text):
        if point == "limiter" and re.match(_RATE, text):
            return registry.find(point, _RATE_LIMITER), {"rate": text}, {}
        return registry.find(point, text), {}, {}
    from urllib.parse import parse_qsl

    base, _, query = text.partition("?")
    cls = registry.find(point, f"{text.partition('://')[0].lower()}://")
    try:
        return cls, cls.options_from_url(base), dict(parse_qsl(query, keep_blank_values=True))
    except Exception as exc:
        why = f"is no URL of the {point} {cls.name!r}: {exc}"
        raise ConfigError(f"{masked(text)!r} {why}") from exc


def _from_table(point: str, table: Mapping[Any, Any], registry: Registry) -> Wish:
    if point == "limiter" and "rate" in table:
        table = {"use": _RATE_LIMITER, **table}  # as for a rate alone
    use = table.get("use")
    if not isinstance(use, str | type):
        name = SETTINGS[point].default or _RATE_LIMITER
        raise ConfigError(
            f'the table for {point} does not say which backend: add "use" with a name or a URL, '
            f'such as {{"use": "{name}", ...}}'
        )
    given = {str(key): value for key, value in table.items() if key != "use"}
    cls, options, query = understood(point, use, registry)
    return cls, {**options, **given}, {key: query[key] for key in query.keys() - given.keys()}


# ---------------------------------------------------------------------------------- its options


def _none(text: str) -> None:
    if text.lower() not in ("", "none"):
        raise ValueError("not None")


_TYPES: Final[dict[str, tuple[tuple[type, ...], Callable[[str], object]]]] = {
    "bool": ((bool,), boolean),
    "int": ((int,), int),
    "float": ((int, float), float),
    "str": ((str,), str),
    "None": ((NoneType,), _none),
}
"""Word of an annotation -> the types of its values, and how a text is read as one."""

_PATHS: Final = frozenset({"Path", "PathLike", "PurePath"})


def _options(wish: Wish, context: Context, anchor: Path | None) -> dict[str, Any]:
    """What the constructor is called with: what the user gives, and the defaults of the Spot.

    Raises:
        ConfigError: an option is unknown, missing, or of another type.
    """
    cls, options, query = wish
    parameters = signature_of(cls).parameters.values()
    named = {p.name: p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters)
    taken = {
        key: value for key, value in cls.defaults(context).items() if takes_any or key in named
    }
    for name, value in {**options, **query}.items():
        if not takes_any and name not in named:
            hint = f"{did_you_mean(name, named)} Its options: {listing(named)}"
            raise ConfigError(f"it has no option {name!r}.{hint}")
        words = _words_of(named[name].annotation) if name in named else frozenset()
        taken[name] = _checked(name, value, words, name in query)
        if anchor is not None and isinstance(value, str) and words & _PATHS:
            taken[name] = os.path.join(anchor, os.path.expanduser(value))  # noqa: PTH111, PTH118 - text to text
    missing = [p.name for p in named.values() if p.default is p.empty and p.name not in taken]
    if missing:
        example = "".join(f', "{name}": ...' for name in missing)
        raise ConfigError(
            f'it needs {listing(missing)}: give a table such as {{"use": "{cls.name}"{example}}}'
        )
    return taken


def _words_of(annotation: Any) -> frozenset[str]:
    """The words of an annotation, such as ``int`` and ``None``; none where there is none."""
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    return frozenset(re.findall(r"\w+", text.replace("Optional[", "None | ")))


def _checked(name: str, value: Any, words: frozenset[str], is_text: bool) -> Any:
    """An option, read as a type that its annotation names if it is a text out of a URL.

    Raises:
        ConfigError: it is of none of these types.
    """
    if not words or not words <= _TYPES.keys() or (is_text and "str" in words):
        return value
    types = {word: of for word, of in _TYPES.items() if word in words}
    for of, read in types.values():
        if is_text:
            with suppress(ValueError):
                return read(str(value))
        elif isinstance(value, of) and (bool in of or not isinstance(value, bool)):
            return value
    found = "" if is_text else f", not {type(value).__name__}"
    raise ConfigError(f"the option {name!r} takes {' or '.join(types)}{found}: correct its value")
