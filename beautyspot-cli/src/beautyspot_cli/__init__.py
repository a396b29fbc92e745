"""The command `beautyspot`, on the public names of the library alone."""

from __future__ import annotations

__all__ = ["main"]


def main() -> None:
    """Run the command with the arguments of this process, and end the process."""
    from beautyspot_cli.program import beautyspot

    beautyspot.main(prog_name="beautyspot")
