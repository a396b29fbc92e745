"""`RefusalError`: a request that is not answered, and what a person can do then."""

from __future__ import annotations


class RefusalError(Exception):
    """A request is not answered.

    Attributes:
        heading: what is the matter, in a few words.
        text: why, and what to do; nothing of what a store holds.
        link: where to go on: a path of this server; "" where nowhere.
        status: of the answer.
    """

    def __init__(self, heading: str, text: str, *, link: str = "", status: int = 403) -> None:
        super().__init__(heading)
        self.heading = heading
        self.text = text
        self.link = link
        self.status = status
