"""Which options of `mark` have a meaning together, and for which function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from beautyspot.errors import ConfigError
from beautyspot.functions.annotations import SEVERAL, signature_of, what_does_not_fit
from beautyspot.keys.binding import bound_names
from beautyspot.messages import did_you_mean

if TYPE_CHECKING:
    import inspect
    from collections.abc import Callable, Mapping

    from beautyspot.tasks.options import MarkOptions

_BY_RESULT: Final = "the result as its first parameter, and then the same ones, or *args, **kwargs"


def check_combinations(
    name: str, function: Callable[..., Any], kind: str, options: MarkOptions, *, is_local: bool
) -> None:
    """Refuse options that would be accepted and ignored, or fail at each call.

    Args:
        name: the function's identifier.
        function: the user's.
        kind: "function", "coroutine", "generator" or "async generator".
        options: of its mark.
        is_local: whether it is a lambda, or made by another function.

    Raises:
        ConfigError: says which, and what to write.
    """
    is_stream, each, out = "generator" in kind, options.each, "leave it out"
    finishes = options.on_cancel == "finish"
    lost = next((e for e in options.renamed_from if "<" in e and not is_local), None)
    parameters = _parameters(function) if each else {}
    list_of = parameters.get(each or "")
    close = did_you_mean(each, parameters) if each and list_of is None else ""
    known = f"its parameters are {', '.join(parameters) or 'none that can be read'}"
    # Each: options, whether they have no meaning here, why, and what to write.
    table: list[tuple[str, object, str, str]] = [
        (
            "stale_on_error stale cache_errors each",
            is_stream,
            "it is a generator, whose items are passed on before it ends",
            out,
        ),
        (
            "on_cancel",
            finishes and kind != "coroutine",
            "it is no coroutine function, and nothing cancels it",
            out,
        ),
        (
            "stale_on_error stale",
            options.ttl is None,
            "without a ttl no result expires",
            "give mark(ttl=), or a ttl of the Spot",
        ),
        (
            "added",
            isinstance(options.key, str) or callable(options.key),
            "key= stands in for the arguments",
            "leave it out, and key= as it was",
        ),
        (
            "added",
            options.version == "auto",
            'version="auto" follows the code, which had another version without the parameter',
            "give a version that stays, or leave it out",
        ),
        (
            "added",
            each in (options.added or ()),
            f"{each!r} takes the items of each=",
            "leave that one out",
        ),
        (
            "stale stale_on_error cache_errors" + " on_cancel" * finishes,
            each,
            "one execution makes the results of many items, by each=",
            "leave it out, or mark a function of one item",
        ),
        ("batch", not each, "it takes no items one by one", "give mark(each=) too"),
        (
            "content_type",
            is_stream,
            "it is a generator, whose items are stored together, in a form of our own",
            "leave it out, or return one value",
        ),
        ("mmap", is_stream, "it is a generator, whose items are copied out of the file", out),
        (
            "mmap",
            options.compress,
            "what is compressed can't be mapped",
            "give mark(compress=False) too",
        ),
        (
            "mmap",
            options.save_blob is False,
            "what lies in the database can't be mapped",
            "leave save_blob=False out",
        ),
        (
            "mmap",
            options.content_type,
            "a result in a format of its own is parsed",
            "leave content_type= out",
        ),
        (
            "error_ttl",
            not options.cache_errors,
            "no error is stored",
            "give mark(cache_errors=) too",
        ),
        (
            "cache_errors",
            options.error_ttl is None and callable(options.ttl),
            "the function given as ttl= is not asked for errors",
            'give mark(error_ttl=) too; "none" is for ever',
        ),
        (
            "renamed_from",
            name in options.renamed_from,
            "that is its identifier now",
            "give what it was before",
        ),
        (
            "renamed_from",
            lost,
            f"{lost} counted by its code as well, under which nothing is found now",
            out,
        ),
        (
            "each",
            list_of is None,
            known,
            f"give one of these.{close}",
        ),
        (
            "each",
            list_of is not None and list_of.kind in SEVERAL,
            f"*{each} is no parameter that takes a list",
            "give the function one",
        ),
        (
            "each",
            each and each in bound_names(function),
            "it is bound already",
            "give the list when it is called",
        ),
        ("each", each in options.ignore, "ignore= leaves it out", "leave it out of ignore="),
        (
            "each",
            isinstance(options.key, str),
            "key= gives all items one ID",
            f'give a function, or a table {{"{each}": function}}',
        ),
    ]
    for option, after, instead in (
        ("key", 0, "the same parameters"),
        ("ttl", 1, _BY_RESULT),
        ("tags", 1, _BY_RESULT),
    ):
        wrong = what_does_not_fit(getattr(options, option), function, after=after)
        table.append(
            (option, wrong, f"it is called with what a call has, but {wrong}", f"give it {instead}")
        )
    for names, is_wrong, why, instead in table:
        for option in names.split():
            value = getattr(options, option)
            if is_wrong and not (value is None or value is False or value in ((), {})):
                raise ConfigError(
                    f"mark({option}={value!r:.80}) does not fit {name}: {why}: {instead}"
                )


def _parameters(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    try:
        return signature_of(function).parameters
    except (TypeError, ValueError):  # some builtins have none
        return {}
