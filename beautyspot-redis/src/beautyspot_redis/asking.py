"""How the server is asked: by scripts, and many questions at once by pipelines."""

from __future__ import annotations

import hashlib
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from beautyspot_redis.server import Server

T = TypeVar("T")

PART: Final = 500
"""So many questions are sent at once."""


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


def parts(items: Iterable[T], size: int = PART) -> Iterator[list[T]]:
    """The items, so many at a time."""
    remaining = iter(items)
    while part := list(islice(remaining, size)):
        yield part


def together(server: Server, ask: Callable[[Any], object]) -> list[Any]:
    """The answers to all that `ask` asks of a pipeline, in one round trip; errors among them."""
    with server.client.pipeline(transaction=False) as pipeline:
        ask(pipeline)
        answers: list[Any] = pipeline.execute(raise_on_error=False)
    return answers


def get(server: Server, name: bytes) -> bytes | None:
    """The string under a name, or None: what a hit asks for.

    `client.get` takes half as long again, for what a hit has no use of: options, callbacks,
    counting. What is done here is what a pipeline of redis-py does with a connection.
    """
    client = server.client
    if not server.is_cluster:
        try:
            return _got(client.connection_pool, name)
        except Exception as error:
            from redis.exceptions import ConnectionError as Broken

            # A connection broke; and not: an answer took too long.
            if not server.address.options.retries or not isinstance(error, Broken):
                raise
    found: bytes | None = client.get(name)
    return found


def _got(pool: Any, name: bytes) -> bytes | None:
    connection = pool.get_connection()
    command = b"*2\r\n$3\r\nGET\r\n$%d\r\n%b\r\n" % (len(name), name)
    try:
        connection.send_packed_command((command,))
        found: bytes | None = connection.read_response()
    except BaseException as error:  # a Ctrl-C too: the next command must not read this answer
        from redis.exceptions import ResponseError

        if not isinstance(error, ResponseError):
            connection.disconnect()
        raise
    finally:
        pool.release(connection)
    return found


Run = tuple["Sequence[bytes]", "Sequence[Any]"]
"""Keys and values of a script."""


def each(server: Server, script: Script, runs: Sequence[Run]) -> list[Any]:
    """What a script returns for each of these, in one round trip in most cases.

    Where a server does not know the script (it was restarted, say), those that it did not run are
    run in a second one.

    Raises:
        RedisError: one of them failed; others may have been done.
    """
    if len(runs) == 1:
        return [script.run(server.client, runs[0][0], *runs[0][1])]
    return _done(server, script, runs, together(server, partial(_run, runs, script.digest)))


def each_and_field(
    server: Server, script: Script, runs: Sequence[Run], name: bytes, field: str
) -> tuple[list[Any], bytes | None]:
    """The same, and a field of a hash in the same round trip, which may lie on another server."""

    def ask(pipeline: Any) -> None:
        _run(runs, script.digest, pipeline)
        pipeline.hget(name, field)

    *answers, found = together(server, ask)
    return _done(server, script, runs, answers), string(found) or None


def _done(server: Server, script: Script, runs: Sequence[Run], answers: list[Any]) -> list[Any]:
    """The answers; a run whose script the server did not know is sent again, with its text."""
    from redis.exceptions import NoScriptError

    unknown = [n for n, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
    if unknown:
        again = partial(_run, [runs[n] for n in unknown], script.text, command="EVAL")
        for n, answer in zip(unknown, together(server, again), strict=True):
            answers[n] = answer
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
    return answers


def _run(runs: Sequence[Run], script: str, pipeline: Any, command: str = "EVALSHA") -> None:
    for keys, values in runs:
        pipeline.execute_command(command, script, len(keys), *keys, *values)


def values_of(server: Server, names: Sequence[bytes]) -> list[bytes]:
    """The strings under these names, in one round trip; empty where there is none, or no string."""
    if server.is_cluster:
        answers = together(server, lambda pipeline: [pipeline.get(name) for name in names])
    else:
        answers = server.client.mget(names)
    return [string(answer) for answer in answers]


_BEGINNINGS: Final = Script(
    """
local found = {}
for i, name in ipairs(KEYS) do
  local value = redis.pcall('GETRANGE', name, 0, ARGV[1])
  found[i] = type(value) == 'string' and value or ''
end
return found
"""
)
"""How strings begin; what is none is empty. KEYS: of one server. ARGV: the last byte."""


def beginnings_of(server: Server, names: Sequence[bytes], size: int) -> list[bytes]:
    """The same of the first bytes of each."""
    if not server.is_cluster:  # half the time of a pipeline
        found: list[bytes] = _BEGINNINGS.run(server.client, names, size - 1)
        return found
    answers = together(server, lambda pipe: [pipe.getrange(name, 0, size - 1) for name in names])
    return [string(answer) for answer in answers]


def string(answer: object) -> bytes:
    """An answer that should be a string; empty where there is none, or another type.

    Raises:
        RedisError: the server could not answer.
    """
    if isinstance(answer, Exception) and not is_other_type(answer):
        raise answer
    return answer if isinstance(answer, bytes) else b""


def unless_other_type(ask: Callable[[], T], otherwise: T) -> T:
    """An answer, or what stands for it where a stranger's value has another type."""
    from redis.exceptions import ResponseError

    try:
        return ask()
    except ResponseError as error:
        if not is_other_type(error):
            raise
        return otherwise


def is_other_type(error: Exception) -> bool:
    """Whether the server says that what stands under a name is of another type."""
    return str(error).startswith("WRONGTYPE")
