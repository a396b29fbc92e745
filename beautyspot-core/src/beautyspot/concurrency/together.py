"""`Together`: what several threads ask at once, one of them asks for all."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class Together:
    """Has one thread ask for itself and for those that wait for their turn meanwhile.

    So a lone one waits for nobody, and of many each trip to a server takes all that have come
    during the trip before it.

    Args:
        ask: asks about all of these subjects at once; all get what it returns or raises.
        most: of so many.
    """

    def __init__(self, ask: Callable[[list[Any]], Any], most: int) -> None:
        self._ask, self._most = ask, most
        self._waiting: dict[int, list[Any]] = {}  # each with its subject, then with the answer
        self._turn = threading.RLock()  # a signal's handler may come here within its own turn

    def __call__(self, subject: Any) -> Any:
        """Ask, or have another thread ask.

        Raises:
            Exception: what asking raised.
        """
        mine = [subject]
        self._waiting[id(mine)] = mine
        try:
            with self._turn:
                if len(mine) == 1:
                    others = [each for each in list(self._waiting.values()) if each is not mine]
                    self._answer([mine, *others[: self._most - 1]])
        finally:
            self._waiting.pop(id(mine), None)
        if isinstance(mine[1], Exception):
            raise mine[1]
        return mine[1]

    def _answer(self, batch: list[list[Any]]) -> None:
        try:
            answer = self._ask([each[0] for each in batch])
        except Exception as error:
            answer = error
        for each in batch:
            self._waiting.pop(id(each), None)
            each.append(answer)
