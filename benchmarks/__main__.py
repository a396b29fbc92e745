"""``python -m benchmarks``: measure, print Markdown, write JSON."""

from __future__ import annotations

import argparse
import compileall
import json
import shlex
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks import report
from benchmarks.machine import MEMBERS, machine, versions
from benchmarks.measure import Pace
from benchmarks.table import Settings

TABLES = (
    "hits",
    "misses",
    "large",
    "threads",
    "maps",
    "processes",
    "growth",
    "keys",
    "starting",
    "memory",
    "s3",
    "bucket",
    "postgres",
    "redis",
    "limiter",
    "permits",
)


def main(arguments: list[str] | None = None) -> int:
    """Run what is asked for."""
    options = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=options.directory, prefix="benchmark-") as name:
        results = _results(options, _settings(options, Path(name)))
    sys.stdout.write(f"{report.markdown(results)}\n")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))
    if options.summary:
        summary = import_module("benchmarks.summary").summary(results)
        report.put_into(options.summary, summary)
    if options.plot:
        import_module("benchmarks.plot").draw(results, options.plot)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "tables", nargs="*", metavar="table", help=f"of {', '.join(TABLES)}; or beside"
    )
    parser.add_argument("--rounds", type=int, default=200, help="how often each one is timed")
    parser.add_argument(
        "--full", action="store_true", help="a million rows, too: takes minutes more"
    )
    parser.add_argument("--no-peers", action="store_true", help="ourselves and the references only")
    parser.add_argument("--small", action="store_true", help="a trial: proves that all works")
    parser.add_argument("--beside", type=Path, help="another checkout, for the table beside")
    parser.add_argument("--directory", type=Path, help="where to store; default: a temporary one")
    parser.add_argument("--json", type=Path, help="write the results into this file")
    parser.add_argument("--summary", type=Path, help="put one table of them into this page")
    parser.add_argument("--plot", type=Path, help="draw the ratios into this SVG file")
    return parser


def _settings(options: argparse.Namespace, directory: Path) -> Settings:
    pace = Pace(rounds=3, seconds=0.0005) if options.small else Pace(rounds=options.rounds)
    return Settings(
        directory,
        pace,
        peers=not options.no_peers,
        full=options.full,
        small=options.small,
        beside=options.beside and options.beside.resolve(),
    )


def _results(options: argparse.Namespace, settings: Settings) -> dict[str, Any]:
    unknown = set(options.tables) - {*TABLES, "beside"}
    if unknown:
        raise SystemExit(
            f"no such table: {', '.join(sorted(unknown))}; there are {', '.join(TABLES)}"
        )
    if lacks := sorted(set(MEMBERS) - versions().keys()):
        raise SystemExit(
            f"{', '.join(lacks)}: not installed: "
            "python -m pip install -r requirements/benchmark.txt"
        )
    for checkout in filter(None, [Path(__file__).parent.parent, settings.beside]):
        for source in checkout.glob("beautyspot-*/src"):  # as an installer does
            compileall.compile_dir(source, quiet=1)
    command = ["python", "-m", "benchmarks", *sys.argv[1:]]
    results: dict[str, Any] = {
        "command": shlex.join(command),
        "machine": machine(settings.directory),
        "versions": versions(),
        "tables": [],
    }
    for name in options.tables or TABLES:
        for table in import_module(f"benchmarks.tables.{name}").tables(settings):
            sys.stderr.write(f"{table.title}\n")
            results["tables"].append(table.as_json())
    return results


if __name__ == "__main__":
    sys.exit(main())
