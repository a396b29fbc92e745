"""``python -m beautyspot_postgres schema`` prints the SQL that makes the schema, for its owner."""

from __future__ import annotations

import argparse
import sys

from beautyspot_postgres import roles, schema


def main(arguments: list[str] | None = None) -> int:
    """Print what is asked for; the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m beautyspot_postgres",
        description="For databases in which the programs' own role may not make the schema.",
    )
    command = parser.add_subparsers(dest="command", required=True).add_parser(
        "schema",
        help="print the SQL that makes the schema or brings it up to date, and grants",
        description="Print SQL, to be piped into psql as a role that may create the schema.",
    )
    command.add_argument("--schema", default=roles.SCHEMA, help="its name; default: %(default)s")
    for kind, what in (
        ("user", "uses the store and its limits"),
        ("reader", "only reads results"),
        ("viewer", "reads the views `entries` and `functions`, and no result"),
    ):
        command.add_argument(
            f"--{kind}", action="append", default=[], metavar="ROLE", help=f"a role that {what}"
        )
    given = parser.parse_args(arguments)
    lines = [r"\set ON_ERROR_STOP on", "SET client_min_messages = warning;"]
    lines.append(schema.script().replace("{schema}", roles.quoted(given.schema)).strip() + ";")
    for kind in roles.GRANTS:
        lines += roles.grants(kind, getattr(given, kind), given.schema)
    sys.stdout.write("\n".join([*lines, ""]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
