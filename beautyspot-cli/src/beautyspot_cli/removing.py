"""What `rm` and `prune` share: show what would go, ask, remove exactly that, say what went.

A result that is stored between the question and the answer was not shown, and stays.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from beautyspot_cli.formats import size
from beautyspot_cli.listing import ROW_HEADINGS, row_cells, show_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from beautyspot import Removal, Removed, TaskRecord

    from beautyspot_cli.output import Output


def removal_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--dry-run` and `--yes`."""
    command = click.option(
        "-y", "--yes", is_flag=True, help="Don't ask. Where nobody can be asked it is needed."
    )(command)
    return click.option(
        "--dry-run", is_flag=True, help="Show what would be removed, and remove nothing."
    )(command)


def remove(
    output: Output, store: Any, rows: Iterable[TaskRecord], *, dry_run: bool, yes: bool
) -> None:
    """Show what would be removed, and remove it unless it is a dry run or refused."""
    if dry_run and not (output.on_terminal or output.as_json):
        _list(output, store, rows)
        return
    removal = store.removal(rows)
    with output.without_fail():
        if not output.as_json:
            _show(output, store, removal)
    if dry_run:
        _say_json(output, store, removal, None)
    elif not removal.entries:
        _say_json(output, store, removal, removal.carry_out())
    elif confirmed(output, yes=yes):
        done = _carried_out(output, removal)
        kept = f"; {_results(done.kept)} stayed, which were made anew meanwhile" * bool(done.kept)
        output.say(f"removed {_results(done.entries)}, {size(done.size)}{kept}")
        _say_json(output, store, removal, done)


def _list(output: Output, store: Any, rows: Iterable[TaskRecord]) -> None:
    """Write all of them as `ls` does, each as it is read."""

    def written() -> Iterator[TaskRecord]:
        output.table(ROW_HEADINGS, ())
        for record in rows:
            output.table((), [row_cells(record, output.format)])
            yield record

    removal = store.removal(written())
    output.say(_in_all(store, removal))


def _in_all(store: Any, removal: Removal) -> str:
    return f"{_results(removal.entries)}, {size(removal.size)}, in {store.place}"


def _show(output: Output, store: Any, removal: Removal) -> None:
    if not removal.entries:
        output.say(f"nothing in {store.place} is to be removed")
        return
    largest = sorted(removal.functions.items(), key=lambda item: -item[1].size)
    cells = ((name, output.format.count(one.entries), size(one.size)) for name, one in largest)
    output.table(("FUNCTION", "ENTRIES", "SIZE"), cells, right=(1, 2))
    if output.on_terminal and not output.quiet:
        output.line("")
        show_rows(output, store, removal.first)
        more = removal.entries - len(removal.first)
        output.line(f"and {more:,} more" if more else "")
    output.say(_in_all(store, removal))


def confirmed(output: Output, *, yes: bool, verb: str = "remove") -> bool:
    """Whether the person wants what was shown to be removed, or what else `verb` says.

    Raises:
        UsageError: nobody can be asked, or has seen it, and `--yes` is not given.
        Abort: Ctrl-C.
    """
    if yes:
        return True
    nothing = f"nothing was {verb.removesuffix('e')}ed"
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise click.UsageError(
            f"{nothing}: nobody can be asked here. Give --yes to {verb} it, "
            "or --dry-run to see it only"
        )
    if output.lost is not None:
        raise click.UsageError(f"{nothing}: what would go could not be shown")
    sys.stdout.flush()
    try:
        wanted = click.confirm(f"{verb.capitalize()} this?", err=True)
    except click.Abort:
        output.say(f"\n{nothing}")
        raise
    if not wanted:
        output.say(nothing)
    return wanted


def _carried_out(output: Output, removal: Removal) -> Removed:
    from beautyspot import BeautyspotError

    from beautyspot_cli.progress import Progress

    with Progress(output, "removing", removal.entries) as progress:
        try:
            return removal.carry_out(lambda done: progress.at(done.entries + done.kept, done))
        except (KeyboardInterrupt, BeautyspotError):
            entries = progress.given.entries if progress.given is not None else 0
            progress.end()
            output.say(
                f"{entries:,} of {_results(removal.entries)} were removed, the others are there"
            )
            raise


def _say_json(output: Output, store: Any, removal: Removal, done: Removed | None) -> None:
    if output.as_json:
        output.json(
            store=store.place,
            entries=removal.entries,
            size=removal.size,
            functions=[
                {"function": name, "entries": one.entries, "size": one.size}
                for name, one in removal.functions.items()
            ],
            keys=removal.keys,
            removed=None if done is None else done._asdict(),
        )


def _results(count: int) -> str:
    return f"{count:,} result{'' if count == 1 else 's'}"
