"""Which options of `mark` have a meaning together, and for which kind of function."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from beautyspot.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beautyspot.tasks.options import MarkOptions


def check_combinations(name: str, kind: str, options: MarkOptions, *, is_local: bool) -> None:
    """Refuse options that would be accepted and ignored.

    Args:
        name: the function's identifier.
        kind: "function", "coroutine", "generator" or "async generator".
        options: of its mark.
        is_local: whether it is a lambda, or made by another function.

    Raises:
        ConfigError: says which, and what to write.
    """

    found = chain(
        _of_the_kind(kind, options),
        _of_each_other(options),
        _of_maps(kind, options),
        _of_errors(options),
        _of_the_name(name, options, is_local=is_local),
    )
    for option, why, instead in found:
        value: Any = getattr(options, option)
        raise ConfigError(
            f"mark({option}={value!r:.80}) has no meaning for {name}: {why}: {instead}"
        )


def _of_the_kind(kind: str, options: MarkOptions) -> Iterator[tuple[str, str, str]]:
    for option in ("stale_on_error", "stale", "cache_errors", "each"):
        if getattr(options, option) and "generator" in kind:
            why = "it is a generator, whose items are passed on before it ends"
            yield option, why, "leave it out"
    if options.on_cancel == "finish" and kind != "coroutine":
        yield "on_cancel", "it is no coroutine function, and nothing cancels it", "leave it out"


def _of_the_name(
    name: str, options: MarkOptions, *, is_local: bool
) -> Iterator[tuple[str, str, str]]:
    if name in options.renamed_from:
        yield "renamed_from", "that is its identifier now", "give what it was before"
    for earlier in options.renamed_from:
        if "<" in earlier and not is_local:
            why = f"{earlier} counted by its code as well, under which nothing is found now"
            yield "renamed_from", why, "leave it out"


def _of_each_other(options: MarkOptions) -> Iterator[tuple[str, str, str]]:
    for option in ("stale_on_error", "stale"):
        if getattr(options, option) and options.seconds is None and not callable(options.ttl):
            why = "without a ttl no result expires"
            yield option, why, "give mark(ttl=), or a ttl of the Spot"
    if options.added and (isinstance(options.key, str) or callable(options.key)):
        yield "added", "key= stands in for the arguments", "leave it out, and key= as it was"
    if options.added and options.version == "auto":
        why = 'version="auto" follows the code, which had another version without the parameter'
        yield "added", why, "give a version that stays, or leave it out"
    if options.added and options.each in options.added:
        yield "added", f"{options.each!r} takes the items of each=", "leave that one out"
    yield from _of_items(options)
    if options.batch is not None and options.each is None:
        yield "batch", "it takes no items one by one", "give mark(each=) too"


def _of_maps(kind: str, options: MarkOptions) -> Iterator[tuple[str, str, str]]:
    if not options.mmap:
        return
    if "generator" in kind:
        yield "mmap", "it is a generator, whose items are copied out of the file", "leave it out"
    if options.compress:
        yield "mmap", "what is compressed can't be mapped", "give mark(compress=False) too"
    if options.save_blob is False:
        yield "mmap", "what lies in the database can't be mapped", "leave save_blob=False out"
    if options.content_type is not None:
        yield "mmap", "a result in a format of its own is parsed", "leave content_type= out"


def _of_items(options: MarkOptions) -> Iterator[tuple[str, str, str]]:
    finishes = options.on_cancel == "finish" and "on_cancel"
    for option in ("stale", "stale_on_error", "cache_errors", finishes):
        if options.each is not None and option and getattr(options, option):
            why = "one execution makes the results of many items, by each="
            yield option, why, "leave it out, or mark a function of one item"


def _of_errors(options: MarkOptions) -> Iterator[tuple[str, str, str]]:
    if options.error_ttl is not None and not options.cache_errors:
        yield "error_ttl", "no error is stored", "give mark(cache_errors=) too"
    if options.cache_errors and options.error_ttl is None and callable(options.ttl):
        why = "the function given as ttl= is not asked for errors"
        yield "cache_errors", why, 'give mark(error_ttl=) too; "none" is for ever'
