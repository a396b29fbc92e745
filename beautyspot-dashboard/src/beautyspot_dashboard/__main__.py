"""``python -m beautyspot_dashboard``: the same as ``beautyspot ui``."""

import sys

from beautyspot_dashboard.program import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
