"""Results as Markdown: for the terminal, and for the table of `docs/performance.md`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

BEGIN = "<!-- results: begin -->"
END = "<!-- results: end -->"


def markdown(results: Mapping[str, Any]) -> str:
    """The whole run: how it was made, then all tables."""
    parts = [_run(results), *(_table(table) for table in results["tables"])]
    return "\n\n".join(parts)


def put_into(page: Path, text: str) -> None:
    """Replace what stands between the two marks of a page.

    Raises:
        ValueError: the page has no marks.
    """
    before, begin, rest = page.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{page} has no place for results: write {BEGIN} and {END} where they go")
    page.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")


def _run(results: Mapping[str, Any]) -> str:
    lines = [f"    {results['command']}", ""]
    lines += [f"- {name}: {value}" for name, value in results["machine"].items()]
    versions = (f"{name} {number}" for name, number in results["versions"].items())
    return "\n".join([*lines, f"- versions: {', '.join(versions)}"])


def _table(table: Mapping[str, Any]) -> str:
    rows = _ratios(table["rows"]) if table["reference"] else [_plain(row) for row in table["rows"]]
    parts = [f"### {table['title']}"]
    if table["reference"]:
        parts.append(f"`x`: the ratio to {table['reference']}.")
    parts += [lines(rows), table["note"]]
    return "\n\n".join(part for part in parts if part)


def lines(rows: list[dict[str, str]]) -> str:
    """A table of these rows, with a column for each of their heads that is used."""
    heads = list(dict.fromkeys(head for row in rows for head in row))
    used = [head for head in heads if any(row.get(head) for row in rows)]
    lines = [_line(" " if head == "name" else head for head in used), "|---" * len(used) + "|"]
    lines += [_line(row.get(head, "") for head in used) for row in rows]
    return "\n".join(lines)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _ratios(rows: list[dict[str, Any]]) -> list[dict[str, str]]:
    return [
        {
            "name": row["name"],
            "median": duration(row["seconds"]),
            "quartiles": f"{duration(row['low'])} to {duration(row['high'])}",
            "x": number(row["x"]),
            "x, quartiles": f"{number(row['x_low'])} to {number(row['x_high'])}",
            "target": _target(row),
            "": row.get("note", ""),
        }
        for row in rows
    ]


def _target(row: Mapping[str, Any]) -> str:
    if "target" not in row:
        return ""
    return f"{number(row['target'])}: {'met' if row['x'] <= row['target'] else 'missed'}"


def _plain(row: Mapping[str, Any]) -> dict[str, str]:
    return {head: cell if isinstance(cell, str) else number(cell) for head, cell in row.items()}


def number(value: float) -> str:
    """Three digits that count."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    if abs(value) >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.2g}"


def duration(seconds: float) -> str:
    """Seconds in the unit that fits."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if abs(seconds) >= size:
            return f"{number(seconds / size)} {unit}"
    return f"{number(seconds / 1e-6)} us"
