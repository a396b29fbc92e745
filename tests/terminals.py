"""Programs on a terminal of their own, as a person runs them."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from pathlib import Path

PATIENCE = 30.0


class Terminal:
    """A command line that runs on a pseudo-terminal, with what it has written so far in `text`."""

    def __init__(self, *words: str) -> None:
        self.text = ""
        self._ours, theirs = os.openpty()
        tty = os.ttyname(theirs)
        command = str(Path(sys.executable).with_name("beautyspot"))
        # A leader of a session that opens a terminal gets it as its own: Ctrl-C reaches it.
        shell = ["sh", "-c", f'exec "$0" "$@" <{tty} >{tty} 2>&1', command, *words]
        env = {**os.environ, "TERM": "xterm", "COLUMNS": "140"}
        self._process = subprocess.Popen(shell, start_new_session=True, env=env)
        self._theirs = theirs  # open until the end: without a holder a reader gets an error

    def write(self, text: str) -> None:
        """Type."""
        os.write(self._ours, text.encode())

    def wait_for(self, text: str) -> None:
        """Read until it has written this."""
        while text not in self.text:
            assert self._read(PATIENCE), self.text

    def end(self, pressing: str = "") -> int:
        """Wait for its end; its exit status.

        Args:
            pressing: what to type each half second until then: a signal that comes just before a
                program begins to read is not seen before it has read something.
        """
        again = time.monotonic()
        late = again + PATIENCE
        try:
            while self._process.poll() is None:
                assert time.monotonic() < late, self.text
                if time.monotonic() >= again:
                    again += 0.5
                    self.write(pressing)
                self._read(0.1)
            while self._read(0.0):
                pass
        finally:
            self.close()
        return self._process.returncode

    def close(self) -> None:
        """Let go of the terminal."""
        self._process.kill()
        self._process.wait()
        for descriptor in (self._ours, self._theirs):
            os.close(descriptor)

    def _read(self, patience: float) -> bool:
        if not select.select([self._ours], [], [], patience)[0]:
            return False
        self.text += os.read(self._ours, 65536).decode(errors="replace")
        return True
