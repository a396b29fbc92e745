"""Scripts that the server runs, in Lua, and how one is called."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


class Script:
    """A script, by its digest; the server is sent the text where it does not know it.

    It forgets scripts by SCRIPT FLUSH, by a restart, and at a failover; and it may drop those that
    came by EVAL when they are many (Redis 7.4: 500).
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()

    def run(self, client: Any, keys: Sequence[str | bytes], *values: Any) -> Any:
        """What the script returns, in one round trip, or two where the server does not know it."""
        from redis.exceptions import NoScriptError

        try:
            return client.evalsha(self.digest, len(keys), *keys, *values)
        except NoScriptError:
            return client.eval(self.text, len(keys), *keys, *values)
