"""What the texts of errors and warnings share: suggestions, and masking of secrets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

from beautyspot.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator


MASK: Final = "***"

LARGE_NEED: Final = (
    'name a storage that all machines reach, such as storage="s3://bucket/prefix", or '
    'storage="file:///folder?shared=true" for a folder that all of them have'
)
"""What to do where large results have no place."""

MAKE_A_KEY: Final = (
    "give the Spot a secret key, as by "
    'Spot(..., signing_key=os.environ["MY_SIGNING_KEY"]) or BEAUTYSPOT_SIGNING_KEY, '
    "made once by secrets.token_hex(32)"
)
"""What to do where results have to be signed."""

SIGNED_ONLY: Final = (
    f"takes signed results only: {MAKE_A_KEY}, and give all who use the store the same one"
)
"""What a metadata store does that demands signatures, and what to do."""

LONGEST: Final = 2000
"""Characters of a text that is shown; the patterns below take quadratic time."""

# Patterns are texts here and elsewhere: `re` compiles one when it is first used, and keeps it.
_WORDS: Final = (
    "key|secret|token|passw|passphrase|pwd|credential|signature|authorization|cookie"
    "|(?<![a-z])(?:sig|sas|auth|jwt|bearer|pw|otp)(?![a-z])"
)
_NAME: Final = rf"[\w.%-]*(?:{_WORDS})[\w.%-]*"
# A colon is of prose too ("the wrong signature: ..."). It is an option's where the name is quoted,
# the first of its line or entry, of several words ("api_key"), or where no space follows; before
# "//" it ends the scheme of a URL ("valkey://").
_SECRET_PAIR: Final = rf"""(?ix)(
        (?:^|[?&;,{{\s'"])
            (?: ['"]?{_NAME}['"]?\s*= | (['"]){_NAME}\2\s*: | {_NAME}:(?!//)(?=\S) )\s*
        | (?:^|[?&;,{{\n]) [ ]*{_NAME}:(?!//)\s*
        | (?:^|\s) (?=\w+[_-]\w) {_NAME}:(?!//)\s*
    ) (?:"[^"]*"|'[^']*'|[^&;#,}}\s]+)"""
# What is a secret wherever it stands: a signed query of a URL, and what begins as known tokens do.
_QUERY: Final = rf"(?i)([?&#]{_NAME}=)[^&;#'\"\s]+"
_KNOWN: Final = (
    r"(?i:\b(bearer|basic)\s+)[\w.~+/=-]{8,}"
    r"|\b(?:sk|rk|pk|whsec)[-_][\w-]{8,}|\b(?:gh[opsur]|github_pat|hf)_\w{8,}|\bglpat-[\w-]{8,}"
    r"|\b(?:gsk|r8|pcsk|jina|npm|sbp|ntn|shp(?:at|ss|ca|pa)|lsv2_(?:pt|sk)|tgp_v1|dop_v1|lin_api)_\w{16,}"
    r"|\b(?:csk|xai|pplx|nvapi|tvly|pypi|xapp|figd)[-_][\w-]{16,}"
    r"|\bxox[a-z]-[\w-]{8,}|\b(?:AKIA|ASIA)[A-Z0-9]{12,}|\bAIza[\w-]{20,}|\bya29\.[\w-]{8,}"
    r"|\beyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?|-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*"
)
# The scheme of a header is a word of its own, and what comes after it is the secret.
_HEADER: Final = r"(?i)(\bauthorization['\"]?\s*[:=]\s*['\"]?)\w+[ \t]+[^\s'\",;]{8,}"
_USERINFO: Final = r"(?<=://)[^/?#\s]*@"
# A password with a raw "/" or "?" in it: what stands before looks like "user:not-a-port".
_BROKEN_USERINFO: Final = r"(?<=://)[^/?#@\s]+:(?!\d*(?:[/?#]|$))\S*@"

# Each of the patterns above needs one of these, as `str.casefold` writes them, or a sign.
_PARTS: Final = (
    *("key", "secret", "token", "passw", "passphrase", "pwd", "credential", "cookie"),
    *("sig", "sas", "auth", "jwt", "bearer", "pw", "otp"),
)
_STEMS: Final = ("bearer", "basic", "akia", "asia", "aiza", "ya29.", "eyj", "-", "_")
_SHORTEST: Final = 11  # characters of what begins as known tokens do
_OPTION: Final = rf"(?i)(?:{_WORDS})[\w.%-]*['\"]?\s*[=:]"


def is_secret(key: str) -> bool:
    """Whether an option of this name looks like a secret; rather once too often."""
    return re.search(_WORDS, key, re.IGNORECASE) is not None


def may_hold_secret(text: str) -> bool:
    """Whether `masked` may change a text of up to `LONGEST`: a quick look, at most find nothing."""
    is_named = "=" in text or ":" in text  # in most arguments is neither
    if len(text) < _SHORTEST and not is_named:
        return False
    folded = text.casefold()
    parts = [part for part in _PARTS if part in folded] if is_named else []
    if "://" in text or (parts and re.search(_OPTION, text) is not None):
        return True
    return bool([stem for stem in _STEMS if stem in folded]) and re.search(_KNOWN, text) is not None


def masked(value: Any) -> Any:
    """`value` with its secrets replaced by ``***``.

    In a text: the part before the ``@`` of a URL, and the value of ``name=value`` where the name
    looks secret. In a table: the values of such names, at any depth.
    """
    if isinstance(value, str):
        return _masked_text(value)
    if isinstance(value, Mapping):
        return {
            key: MASK if item is not None and is_secret(str(key)) else masked(item)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [masked(item) for item in value]
    return value


def without(text: str, secrets: Mapping[str, Any]) -> str:
    """`text`, such as a library's error message, with no secret value of the table in it."""
    for value in _secret_values(secrets):
        text = text.replace(value, MASK)
    return _masked_text(text)


def _masked_text(text: str) -> str:
    if len(text) > LONGEST:  # cut where no secret can be halved
        words = text[:LONGEST].rpartition(" ")[0]
        text = f"{words} …" if words else MASK
    return re.sub(_SECRET_PAIR, rf"\1{MASK}", less_secrets(text))


def less_secrets(text: str) -> str:
    """`text` without what is a secret wherever it stands, in prose of our own too.

    That is the part before the ``@`` of a URL, a signature in its query, and a token that begins as
    known ones do, such as ``sk-``.
    """
    text = re.sub(_BROKEN_USERINFO, f"{MASK}@", text)
    text = re.sub(_USERINFO, f"{MASK}@", text)
    text = re.sub(_QUERY, rf"\1{MASK}", text)
    text = re.sub(_HEADER, rf"\1{MASK}", text)
    return re.sub(_KNOWN, MASK, text)


def error_shown(error: BaseException | None) -> str:
    """An error as `repr` shows it, less secrets."""
    return f"{type(error).__name__}({masked(str(error))!r})"


def masked_json(name: str, text: str) -> str:
    """The canonical text of the argument `name`, with no text in it that may be a secret.

    Names that look secret hide their texts, and show their numbers: ``max_tokens`` is none.
    """
    import json  # only for `explain`

    try:
        value = json.loads(text)
        shown = _masked_json(name, value)
    except (ValueError, RecursionError):
        return less_secrets(text)
    if shown == value:
        return text
    return json.dumps(shown, ensure_ascii=False, separators=(",", ":"))


def _masked_json(name: str, value: Any) -> Any:
    if is_secret(name) and _has_text(value):
        return MASK
    if isinstance(value, dict):
        if set(value) == {"$dict"}:  # pairs: the keys are not all plain
            return {"$dict": [_masked_pair(pair) for pair in value["$dict"]]}
        if set(value) == {"$bytes"}:
            shown = _plain_bytes(value)
            return value if less_secrets(shown) == shown else MASK
        return {key: _masked_json(key if key != "$key" else "", v) for key, v in value.items()}
    if isinstance(value, list):
        if _is_pair(value):
            return _masked_pair(value)
        return [_masked_json("", item) for item in value]
    return less_secrets(value) if isinstance(value, str) else value


def _is_pair(value: list[Any]) -> bool:
    """Whether it may be a header: a name and a text."""
    return len(value) == 2 and all(isinstance(_plain_bytes(each), str) for each in value)


def _masked_pair(pair: Any) -> list[Any]:
    key, value = pair
    name = _plain_bytes(key)
    return [_masked_json("", key), _masked_json(name if isinstance(name, str) else "", value)]


def _plain_bytes(value: Any) -> Any:
    """The text of short bytes, as a header of an HTTP client has them; another value as it is."""
    if isinstance(value, dict) and set(value) == {"$bytes"} and isinstance(value["$bytes"], str):
        with suppress(ValueError):
            return bytes.fromhex(value["$bytes"]).decode("latin-1")
    return value


def _has_text(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_text, value.values()))
    return any(map(_has_text, value)) if isinstance(value, list) else isinstance(value, str)


def _secret_values(table: Mapping[str, Any], *, all_of_it: bool = False) -> Iterator[str]:
    for key, value in table.items():
        secret = all_of_it or is_secret(str(key))
        if isinstance(value, Mapping):
            yield from _secret_values(value, all_of_it=secret)
        elif secret and isinstance(value, str) and value:
            yield value


P = ParamSpec("P")
R = TypeVar("R")


_SYNONYMS: Final[dict[str, tuple[str, ...]]] = {
    "ttl": (
        *("expire", "expires", "expiry", "expiration", "expire_after", "expires_in"),
        *("max_age", "stale_after", "timeout", "lifetime"),
    ),
    "concurrency": (
        *("workers", "max_workers", "num_workers", "n_workers", "n_jobs", "jobs"),
        *("threads", "n_threads", "processes", "max_concurrency", "max_concurrent"),
    ),
    "max_concurrent": ("concurrency", "max_concurrency", "workers", "max_workers"),
    "directory": ("cache_dir", "cachedir", "cache_directory", "dir", "folder", "location", "path"),
    "limiter": ("rate", "rate_limit", "limit", "limits"),
    "max_size": ("maxsize", "size_limit", "bytes_limit"),
    "max_entries": ("items_limit", "max_items", "count_limit"),
    "unused_for": ("age_limit",),
    "key": ("key_func", "key_builder", "hash_func", "hash_params", "make_key"),
    "ignore": ("exclude", "ignored", "ignored_parameters", "skip_args"),
    "cache_if": ("condition", "cache_validation_callback", "filter_fn", "predicate"),
    "errors": ("return_exceptions", "on_failure"),
    "progress": ("tqdm", "verbose"),
    "observers": ("verbose", "callbacks", "hooks"),
    "mmap": ("mmap_mode", "memmap", "mmapped"),
    "cost": ("weight", "tokens"),
}
"""Our options -> what other libraries, or people, call them, where no letters are alike."""

OF_OTHER_CACHES: Final = {
    **dict.fromkeys(
        ("clear", "clear_cache", "cache_clear", "reset"),
        "spot.invalidate_all(f) forgets the results of a function, and "
        'bs.open_store(spot).remove(function="*") removes all',
    ),
    **dict.fromkeys(
        ("delete", "evict", "expire", "forget", "pop", "remove"),
        "spot.invalidate(f, x) forgets the result of a call, and spot.invalidate_all(f) of all",
    ),
    **dict.fromkeys(
        ("cache", "cached", "memo", "memoize"), "decorate the function with @spot.mark"
    ),
    **dict.fromkeys(
        ("rate_limit", "ratelimit", "throttle"),
        'give the Spot a limiter="60/min", and decorate with @spot.limiter',
    ),
    "get": "spot.peek(f, x) gives the result of a call that is stored",
    "set": "spot.set_result(value, f, x) stores the result of a call",
    "cache_info": "spot.stats() has the numbers",
    "close": "spot.shutdown() ends it",
}
"""What other caches have -> what a Spot has in its place."""

_OF_A_FUNCTION: Final = {"mmap_mode": "mmap=True"}
"""What a whole cache of another library has, and here a function -> how `mark` is given it."""


def synonym(word: str, known: Collection[str]) -> str:
    """What is meant by an option of another library, if known.

    `` Did you mean 'ttl'?`` where one of ours is called `word` there, or who else takes it.
    """
    for option, others in _SYNONYMS.items():
        if option in known and word.lower() in others:
            return f" Did you mean {option!r}?"
    if written := _OF_A_FUNCTION.get(word):
        return f" Each function has it: mark({written})."
    return ""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`` Did you mean 'x'?`` for the known word that looks most like `word`, else nothing."""
    import difflib  # 10 ms, and only where something went wrong

    close = difflib.get_close_matches(word.lower(), list(known), n=1, cutoff=0.6)
    return f" Did you mean {close[0]!r}?" if close else ""


def listing(words: Iterable[str]) -> str:
    """The words, sorted and with commas between them; ``none`` where there are none."""
    return ", ".join(sorted(words)) or "none"


def check_options(
    caller: str, given: Iterable[str], known: Collection[str], advice: str = ""
) -> None:
    """Refuse an option that `caller` does not take.

    Raises:
        ConfigError: lists the options there are; `advice` follows, where ``{}`` is the option.
    """
    for option in given:
        if option not in known:
            close = synonym(option, known) or did_you_mean(option, known)
            raise ConfigError(
                f"{caller} takes no option {option!r}.{close} There are: {listing(known)}"
                + advice.replace("{}", option)
            )


def checked(
    name: str, value: object, check: Callable[[Any], R], expected: str, where: str = "{}"
) -> R:
    """What `check` makes of an option: all options of a user, wherever they stand, go by this.

    Args:
        name: of the option.
        value: what was given.
        check: gives it in its final form. What does not fit is a TypeError or a ValueError; a
            ConfigError says more than `expected`.
        expected: what fits, behind the word "give".
        where: it stands, with ``{}`` for the option: ``mark({})``.

    Raises:
        ConfigError: `check` refuses it; says what to give.
    """
    try:
        return check(value)
    except ConfigError as error:  # the value may be a secret that is written wrongly
        shown, why = name, str(error)
    except (TypeError, ValueError):
        shown, why = f"{name}={value!r:.80}", f"give {expected}"
    raise ConfigError(f"{where.replace('{}', shown, 1)}: {why}")


_TAKES_MORE: Final = 4
"""`inspect.CO_VARARGS`: the flag of code that takes ``*args``."""


def checks_options(caller: str, advice: str = "") -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Have a method refuse an unknown keyword as `check_options` does, and options by place."""

    def decorated(method: Callable[P, R]) -> Callable[P, R]:
        code = method.__code__  # `inspect` would say the same, and takes milliseconds to import
        named = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        known = frozenset(named[code.co_posonlyargcount :]) - {"self"}

        @wraps(method)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            if len(args) > code.co_argcount and not code.co_flags & _TAKES_MORE:
                shown = ", ".join([f"{name}=" for name in named[code.co_argcount :]])
                raise ConfigError(f"{caller} takes its options by name: {shown}")
            check_options(caller, kwargs, known, advice)
            return method(*args, **kwargs)

        return checked

    return decorated
