"""`Asked`: the parts of a request by which it is let in or refused, read strictly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, quote, urlencode

from beautyspot_dashboard.access.refusals import RefusalError

if TYPE_CHECKING:
    from starlette.types import Scope

TOKEN: Final = "token"  # noqa: S105 - the name of a part of the query
_PATH_SAFE: Final = "/:@!$&'()*+,;=~"


@dataclass(frozen=True)
class Asked:
    """One request.

    Attributes:
        scope: the request, as ASGI has it.
    """

    scope: Scope

    @property
    def changes(self) -> bool:
        """Whether its method may change something."""
        return self.scope["method"] not in ("GET", "HEAD")

    @property
    def own_path(self) -> str:
        """The path below that of the dashboard."""
        path: str = self.scope["path"]
        return path.removeprefix(self.scope.get("root_path", ""))

    def every(self, name: str) -> list[str]:
        """The values of a header, each as it was sent."""
        wanted = name.encode()
        return [value.decode("latin-1") for key, value in self.scope["headers"] if key == wanted]

    def only(self, name: str) -> str | None:
        """The value of a header; None where there is none.

        Raises:
            RefusalError: there are several, of which two readers might take another each.
        """
        found = self.every(name)
        if len(found) > 1:
            raise RefusalError("Not answered", f"The request has the header {name} more than once.")
        return found[0] if found else None

    def token(self) -> str | None:
        """The token in the query."""
        return next((value for name, value in self._query() if name == TOKEN), None)

    def link(self) -> str:
        """The same page on this server, without the token.

        It begins with one slash, whatever was asked: two would name another server.
        """
        path = "/" + quote(self.scope["path"].lstrip("/"), safe=_PATH_SAFE)
        query = urlencode([(name, value) for name, value in self._query() if name != TOKEN])
        return f"{path}?{query}" if query else path

    def _query(self) -> list[tuple[str, str]]:
        return parse_qsl(self.scope["query_string"].decode("latin-1"), keep_blank_values=True)
