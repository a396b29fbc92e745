"""The command line that gives the same as a page."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from beautyspot_dashboard.shelf import Shelved


def command_line(
    shelved: Shelved, command: str, *words: str, options: Mapping[str, object] | None = None
) -> str:
    """The command line, quoted for a shell; options that are None, False or "" are left out."""
    parts = ["beautyspot", command, *words]
    for name, value in (options or {}).items():
        if value is True:
            parts.append(f"--{name}")
        elif value not in (None, False, ""):
            parts += [f"--{name}", str(value)]
    return shlex.join([*parts, *shelved.words])
