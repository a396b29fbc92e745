"""`python -m beautyspot`: the command line, where beautyspot-cli is installed."""

from __future__ import annotations

import sys
from importlib.util import find_spec


def main() -> None:
    """Hand over to the command line, or say how to get it."""
    if find_spec("beautyspot_cli") is None:
        sys.stderr.write(
            "the command line is not installed: it is the distribution beautyspot-cli (from a "
            "clone: python -m pip install ./beautyspot-cli)\n"
        )
        raise SystemExit(2)
    from beautyspot_cli import main as run

    run()


if __name__ == "__main__":
    main()
