"""`Finding`: one thing that a look at a backend's health has found."""

from __future__ import annotations

from typing import Literal, NamedTuple

FindingState = Literal["ok", "warning", "problem"]
"""All is well; it works, and will not for long or not well; it does not work."""


class Finding(NamedTuple):
    """What `examine` found of one subject.

    Attributes:
        state: "ok", "warning" or "problem".
        subject: what was looked at, such as "storage s3".
        text: what was found, and what to do about it; without secrets.
    """

    state: FindingState
    subject: str
    text: str
