"""What the suites do about their switches: class attributes of what a backend need not promise."""

from __future__ import annotations

import pytest


class Switches:
    """The base of the suites."""

    def _needs(self, *abilities: str) -> None:
        """Skip the test unless all of these switches are on."""
        for ability in abilities:
            if not getattr(self, ability):
                pytest.skip(f"the suite's switch says so: {ability} = False")
