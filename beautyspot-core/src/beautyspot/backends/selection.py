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
from types import MappingProxyType, NoneType
from typing import TYPE_CHECKING, Any, Final

from beautyspot.backends.loading import BASES, left_open
from beautyspot.config.settings import SETTINGS, boolean
from beautyspot.errors import BeautyspotError, ConfigError, MetadataError, StorageError
from beautyspot.functions.annotations import signature_of
from beautyspot.messages import did_you_mean, listing, masked, without

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from beautyspot.backends.registry import Registry
    from beautyspot.contracts import Backend, Context


_RATE: Final = r"[-+.]?\d"
"""How a rate begins; whether the rest makes it one is the limiter's to say."""

_RATE_LIMITER: Final = "gcra"

_EXAMPLES: Final = {"rate": '"600/min"'}
"""Values to show for options that a message asks for."""

# What a network or a disk out of reach raises: no mistake of the user, so no ConfigError.
OUT_OF_REACH: Final[dict[str, type[BeautyspotError]]] = {
    "metadata": MetadataError,
    "storage": StorageError,
    "serializer": BeautyspotError,
    "keygen": BeautyspotError,
    "limiter": BeautyspotError,
}


class _Wish:
    """A parsed setting: the class to make, and the options that the user gives.

    The query of a URL is texts, whatever the option's type is.
    """

    __slots__ = ("cls", "options", "query")

    def __init__(
        self,
        cls: type[Backend],
        options: Mapping[str, Any] = MappingProxyType({}),
        query: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.cls = cls
        self.options = options
        self.query = query


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
    base = BASES[point]
    if isinstance(spec, base):
        return spec, False
    origin = f" (from: {source})" if source else ""
    try:
        wish = _understand(point, spec, registry)
    except BeautyspotError as exc:
        raise type(exc)(masked(f"{exc}{origin}")) from None  # the original may show a secret
    what = f"the {point} {wish.cls.name!r}{origin}"
    return _make(point, wish, what, context, anchor), True


def depends_on_name(point: str, spec: object, registry: Registry, context: Context) -> bool:
    """Whether a Spot of another name would have another place in the backend that `spec` means."""
    wish = _understand(point, spec, registry)
    one, other = (wish.cls.defaults(context._replace(name=name)) for name in ("a", "b"))
    left_out = one.keys() - wish.options.keys() - wish.query.keys()
    return any(one[option] != other.get(option) for option in left_out)


def class_of(point: str, spec: object, registry: Registry) -> type[Backend]:
    """The class of the backend that `spec` means, which is not made."""
    return _understand(point, spec, registry).cls


def _understand(point: str, spec: object, registry: Registry) -> _Wish:
    if isinstance(spec, str):
        return _from_text(point, spec.strip(), registry)
    if isinstance(spec, type):
        return _Wish(_right_class(point, spec))
    if isinstance(spec, Mapping):
        return _from_table(point, spec, registry)
    raise ConfigError(
        f"{point}= takes an instance of {BASES[point].__name__}, such a class, a name, a URL or a "
        f"table, not an object of type {type(spec).__qualname__}: give one of these"
    )


def _from_text(point: str, text: str, registry: Registry) -> _Wish:
    if is_url(text):
        return _from_url(point, text, registry)
    is_rate = point == "limiter" and re.match(_RATE, text)
    if is_rate and not registry.has(point, text):
        return _Wish(registry.find(point, _RATE_LIMITER), {"rate": text})
    return _Wish(registry.find(point, text))


def _from_url(point: str, text: str, registry: Registry) -> _Wish:
    scheme, base, query = parse_url(text)
    cls = registry.by_scheme(point, scheme)
    try:
        return _Wish(cls, cls.options_from_url(base), query)
    except Exception as exc:
        why = f"is no URL of the {point} {cls.name!r}: {exc}"
        raise ConfigError(f"{masked(text)!r} {why}") from exc


def _from_table(point: str, table: Mapping[Any, Any], registry: Registry) -> _Wish:
    if point == "limiter" and "rate" in table:
        table = {"use": _RATE_LIMITER, **table}  # as for a rate alone
    if "use" not in table:
        use = SETTINGS[point].default or _RATE_LIMITER
        raise ConfigError(
            f'the table for {point} does not say which backend: add "use" with a name or a URL, '
            f'such as {{"use": "{use}", ...}}'
        )
    options = {str(key): value for key, value in table.items() if key != "use"}
    use = table["use"]
    if isinstance(use, str | type):
        wish = _understand(point, use, registry)
        query = {key: text for key, text in wish.query.items() if key not in options}
        return _Wish(wish.cls, {**wish.options, **options}, query)
    raise ConfigError(
        f'"use" in the table for {point} is an object of type {type(use).__qualname__}: '
        "write a name, a URL or a class"
    )


def _right_class(point: str, cls: type) -> type[Backend]:
    base = BASES[point]
    if issubclass(cls, base):
        if inspect.isabstract(cls):
            raise ConfigError(f"{point}={cls.__qualname__} {left_open(cls, base)}")
        return cls
    raise ConfigError(
        f"{point}={cls.__qualname__}: this class is no subclass of {base.__name__}: "
        "give another one, or derive this one from it"
    )


def _make(point: str, wish: _Wish, what: str, context: Context, anchor: Path | None) -> Backend:
    takes = Options(wish.cls)
    given = _given(takes, wish, what, anchor)
    try:
        options = {**takes.accepted(wish.cls.defaults(context)), **given}
        takes.check_required(options, given.get("url", wish.cls.name))
        return wish.cls(**options)
    except ConfigError as exc:
        raise ConfigError(f"{what}: {without(str(exc), given)}") from None
    except BeautyspotError:
        raise
    except OSError as exc:
        error = OUT_OF_REACH[point]
        raise error(_failed(what, exc, given)) from exc
    except Exception as exc:
        raise ConfigError(f"{_failed(what, exc, given)}: correct its options") from exc


def _given(takes: Options, wish: _Wish, what: str, anchor: Path | None) -> dict[str, Any]:
    """The user's options, checked, those of a URL's query part turned into their types."""
    takes.check_names({**wish.options, **wish.query}, what)
    query = {name: takes.from_text(name, text, what) for name, text in wish.query.items()}
    given = {**wish.options, **query}
    return {name: takes.checked(name, value, what, anchor) for name, value in given.items()}


def _failed(what: str, exc: Exception, given: Mapping[str, Any]) -> str:
    return f"can't make {what}: {type(exc).__name__}: {without(str(exc), given)}"


# A text: `re` compiles it when it is first used, and keeps it.
_URL: Final = r"([A-Za-z][A-Za-z0-9+.-]*)://"


def is_url(text: str) -> bool:
    """Whether `text` begins with ``scheme://``."""
    return "://" in text and re.match(_URL, text) is not None


def parse_url(url: str) -> tuple[str, str, dict[str, str]]:
    """The scheme of a URL in lower case, the URL without its query part, and that part.

    Raises:
        ConfigError: an option is given twice in the query part.
    """
    from urllib.parse import parse_qsl

    match = re.match(_URL, url)
    if match is None:
        raise ConfigError(f"{masked(url)!r} is no URL: write it as scheme://...")
    base, _, query = url.partition("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    options = dict(pairs)
    if len(options) != len(pairs):
        raise ConfigError(f"an option is given twice in {masked(url)!r}: leave one of them out")
    return match[1].lower(), base, options


def _none(text: str) -> None:
    if text.lower() not in ("", "none"):
        raise ValueError("not None")


_TYPES: Final[dict[str, tuple[type | tuple[type, ...], Callable[[str], object]]]] = {
    "bool": (bool, boolean),
    "int": (int, int),
    "float": ((int, float), float),
    "str": (str, str),
    "None": (NoneType, _none),
}
"""Word of an annotation -> the type of a value, and how a text is read as one."""

_PATHS: Final = frozenset({"Path", "PathLike", "PurePath"})


class Options:
    """What the constructor of a class takes.

    Attributes:
        known: the names of its options.
        required: those without a default.
        open: True where it takes any (``**kwargs``).
    """

    def __init__(self, cls: type) -> None:
        parameters = signature_of(cls).parameters.values()
        named = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
        self.open = any(p.kind is p.VAR_KEYWORD for p in parameters)
        self.known = [p.name for p in named]
        self.required = [p.name for p in named if p.default is p.empty]
        self._words = {p.name: _words_of(p.annotation) for p in named}

    def accepted(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Those of `values` that the constructor takes."""
        return {key: value for key, value in values.items() if self.open or key in self.known}

    def check_names(self, given: Mapping[str, Any], what: str) -> None:
        """Refuse an option that the constructor does not take.

        Raises:
            ConfigError: lists the options there are.
        """
        for name in given:
            if not self.open and name not in self.known:
                raise ConfigError(
                    f"{what} has no option {name!r}.{did_you_mean(str(name), self.known)} "
                    f"Its options: {listing(self.known)}"
                )

    def check_required(self, given: Mapping[str, Any], use: str) -> None:
        """Refuse to make a backend that lacks an option.

        Raises:
            ConfigError: shows how to give it.
        """
        missing = [name for name in self.required if name not in given]
        if missing:
            example = ", ".join(f'"{name}": {_EXAMPLES.get(name, "...")}' for name in missing)
            raise ConfigError(
                f'it needs {listing(missing)}: give a table such as {{"use": "{masked(use)}", '
                f"{example}}}"
            )

    def checked(self, name: str, value: object, what: str, anchor: Path | None) -> object:
        """An option's value; a relative path in it starts from the folder `anchor`.

        Raises:
            ConfigError: its type is none that the annotation names.
        """
        words = self._words.get(name, frozenset())
        if words and words <= _TYPES.keys() and not _fits(value, words):
            raise ConfigError(
                f"{what}: the option {name!r} takes {_either(words)}, not {type(value).__name__}: "
                "correct its value"
            )
        if anchor is None or not isinstance(value, str) or not words & _PATHS:
            return value
        return os.path.join(anchor, os.path.expanduser(value))  # noqa: PTH111, PTH118 - text to text

    def from_text(self, name: str, text: str, what: str) -> object:
        """An option out of a URL's query part, read as a type that the annotation names.

        Raises:
            ConfigError: the text is no value of such a type.
        """
        words = self._words.get(name, frozenset())
        if not words or "str" in words or not words <= _TYPES.keys():
            return text
        for word, (_, read) in _TYPES.items():
            if word in words:
                with suppress(ValueError):
                    return read(text)
        raise ConfigError(f"{what}: the option {name!r} takes {_either(words)}: correct the URL")


def _words_of(annotation: Any) -> frozenset[str]:
    """The words of an annotation, such as ``int`` and ``None``; none where there is none."""
    if annotation is inspect.Parameter.empty:
        return frozenset()
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    text = text.replace("Optional[", "None | ")
    return frozenset("".join(c if c.isalnum() or c == "_" else " " for c in text).split())


def _fits(value: object, words: frozenset[str]) -> bool:
    if isinstance(value, bool):  # an int to Python, but not to a user who writes `true`
        return "bool" in words
    return any(isinstance(value, _TYPES[word][0]) for word in words)


def _either(words: frozenset[str]) -> str:
    return " or ".join(word for word in _TYPES if word in words)
