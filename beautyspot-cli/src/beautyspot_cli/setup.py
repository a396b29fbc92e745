"""The commands about the installation: `doctor`, `plugins`, `config`, `ui` and `completion`."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

import click
from beautyspot import Config, examine
from beautyspot import plugins as installed
from click.shell_completion import get_completion_class

from beautyspot_cli.formats import NOTHING
from beautyspot_cli.output import FOUND, output_options

if TYPE_CHECKING:
    from beautyspot_cli.options import Place
    from beautyspot_cli.output import Output

_DASHBOARD: Final = "beautyspot_dashboard"
"""A module with a function `main`: it gets the words of the command line behind `ui` as a list of
texts, and returns the exit status; None is 0.
"""


@click.command
@click.option("--write", is_flag=True, help="Try to save a small blob too, and remove it again.")
@output_options
@click.pass_obj
def doctor(place: Place, output: Output, write: bool) -> int:
    """Find out what is wrong, or soon will be, and what to do about it.

    It opens every backend that the store or the configuration names, tries the credentials and
    measures round trips; it reads the whole database, and lists the blobs. Without --write it
    changes nothing. The exit status is 1 where there is a problem.
    """
    _, name, profile, config, storage = place
    found = examine(
        place.where(), name=name, storage=storage, profile=profile, config=config, write=write
    )
    counts = {"ok": 0, "warning": 0, "problem": 0}
    for one in found:  # said at once: some looks take long, and what comes next may fail
        counts[one.state] += 1
        if output.as_json:
            output.json(**one._asdict())
        elif not output.quiet or one.state != "ok":
            output.text(f"{one.state:8} {one.subject}: {one.text}")
    output.say(f"problems: {counts['problem']}, warnings: {counts['warning']}, ok: {counts['ok']}")
    return FOUND if counts["problem"] else 0


@click.command
@output_options
def plugins(output: Output) -> int:
    """List the installed plug-ins, and why a broken one is.

    BEAUTYSPOT_PLUGINS says which of them are loaded. The exit status is 1 where one is broken.
    """
    found = installed()
    if output.as_json:
        names = ("name", "distribution", "version", "module", "location", "broken")
        told = [{name: getattr(one, name) for name in names} for one in found]
        offers = [{"offers": dict(one.offers)} for one in found]
        output.json(plugins=[one | more for one, more in zip(told, offers, strict=True)])
    else:
        cells = (
            (
                one.name,
                f"{one.distribution} {one.version}",
                "; ".join(f"{point}: {', '.join(names)}" for point, names in one.offers.items())
                or NOTHING,
            )
            for one in found
        )
        output.table(("PLUG-IN", "DISTRIBUTION", "OFFERS"), cells)
        for one in found:
            if one.broken:
                output.say(f"{one.name}: BROKEN: {one.broken}")
    return FOUND if any(one.broken for one in found) else 0


@click.command
@click.option("--changed", is_flag=True, help="Only those that are not at their defaults.")
@output_options
@click.pass_obj
def config(place: Place, output: Output, changed: bool) -> None:
    """Show every setting, its value, and where it comes from.

    It is what a Spot gets that is made here without arguments. Secrets are not shown.
    """
    found = Config.read(profile=place.profile, config=place.config)
    rows = [row for row in found.table() if not changed or row.source != "default"]
    if not output.as_json:
        output.table(("SETTING", "VALUE", "FROM"), rows)
        if not rows:
            output.say("every setting is at its default: no file and no variable gives one")
        return
    settings = []
    for setting, shown, source in rows:
        value = found[setting]
        is_plain = isinstance(value, str | int | float | None) and repr(value) == shown
        settings.append(
            {"setting": setting, "value": value if is_plain else shown, "source": source}
        )
    output.json(settings=settings)


@click.command(
    add_help_option=False,
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.argument("words", metavar="[STORE] [OPTIONS]", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def ui(place: Place, words: tuple[str, ...]) -> int:
    """Start the dashboard in a browser, where it is installed.

    All that follows goes to the dashboard, which says by --help what it takes.
    """
    if find_spec(_DASHBOARD) is None:
        raise click.UsageError(
            "the dashboard is not installed: it is the distribution beautyspot-dashboard (from a "
            "clone: python -m pip install ./beautyspot-dashboard)"
        )
    return import_module(_DASHBOARD).main([*place.words, *words]) or 0


@click.command
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
def completion(shell: str) -> None:
    """Print the completion script for a shell.

    \b
    bash:  beautyspot completion bash >> ~/.bashrc
    zsh:   beautyspot completion zsh >> ~/.zshrc
    fish:  beautyspot completion fish > ~/.config/fish/completions/beautyspot.fish

    Functions and keys complete from the store that the command line names.
    """
    made = get_completion_class(shell)
    assert made is not None  # noqa: S101 - click has these three
    click.echo(made(click.Group(), {}, "beautyspot", "_BEAUTYSPOT_COMPLETE").source())
