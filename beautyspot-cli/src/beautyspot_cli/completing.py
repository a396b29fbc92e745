"""What a shell may complete: functions and keys that are in the store.

Whatever fails here, nothing is said: a person who pressed Tab sees no completion, and goes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from click.shell_completion import CompletionItem

from beautyspot_cli.store_options import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import click

MOST: Final = 50
"""So many keys are offered at most."""


def functions(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The functions whose names begin so."""
    return _quietly(ctx, lambda store: _functions(store, incomplete))


def keys(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The keys that begin so, each with its function."""
    return _quietly(ctx, lambda store: _keys(store, incomplete))


def key_or_store(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Keys, and files where there are none."""
    return [CompletionItem(incomplete, type="file"), *keys(ctx, param, incomplete)]


def function_or_store(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Functions, and files where there are none."""
    return [CompletionItem(incomplete, type="file"), *functions(ctx, param, incomplete)]


COMPLETED_BY: Final = {"function": functions, "key": keys}
"""What completes the value of an option, by the option's name."""


def _functions(store: Any, incomplete: str) -> Iterable[CompletionItem]:
    names = (one.name for one in store.functions())
    return (CompletionItem(name) for name in names if name.startswith(incomplete))


def _keys(store: Any, incomplete: str) -> Iterable[CompletionItem]:
    where = {"key": incomplete} if incomplete else {}
    for record in store.rows(limit=MOST, **where):
        yield CompletionItem(record.cache_key, help=record.func_identifier or record.func_name)


def _quietly(
    ctx: click.Context, look: Callable[[Any], Iterable[CompletionItem]]
) -> list[CompletionItem]:
    """What a look at the store that the command line names finds; nothing where it fails."""
    import logging

    logging.disable()
    given = {name: ctx.params.get(name) for name in Place._fields}
    # Before an option whose value is still missing, click leaves the words in `args`.
    words = (ctx.params.get("at") or "", *(ctx.params.get("words") or ()), *ctx.args)
    stores = [word for word in words if "/" in word]
    try:
        place = Place(**given).at(stores[0] if stores else None)
        with place.open() as store:
            return list(look(store))
    except Exception:
        return []
