"""Completion in bash of words with a colon in them, as functions have, and with signs to quote.

Bash splits a line at colons, and takes a completion for what is behind the last one; click's own
script knows nothing of that.
"""

from __future__ import annotations

import os
from typing import Final

from click.shell_completion import BashComplete, CompletionItem, split_arg_string

_SCRIPT: Final = r"""
%(complete_func)s() {
    local type value answer line="${COMP_LINE:0:COMP_POINT}"
    answer=$(env COMP_WORDS="$line" COMP_CWORD="$2" %(complete_var)s=bash_complete "$1")
    while IFS=',' read -r type value; do
        if [[ $type == file ]]; then
            compopt -o default
        elif [[ $type == plain && ${COMP_WORDS[COMP_CWORD]} == [\"\']* ]]; then
            COMPREPLY+=("$value")
        elif [[ $type == plain ]]; then
            COMPREPLY+=("$(printf %%q "$value")")
        fi
    done <<< "$answer"
}

complete -o nosort -F %(complete_func)s %(prog_name)s
"""


class Bash(BashComplete):
    """Takes the line up to the cursor, and what bash calls the word that is completed."""

    source_template = _SCRIPT

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words before the one that is completed, and that one."""
        line = os.environ["COMP_WORDS"]
        words = split_arg_string(line)
        incomplete = "" if line[-1:].isspace() else words.pop()
        return words[1:], incomplete

    def format_completion(self, item: CompletionItem) -> str:
        """A line of the answer: without what bash does not take for a part of the word."""
        incomplete, word = self.get_completion_args()[1], os.environ["COMP_CWORD"]
        if incomplete.startswith("--") and not item.value.startswith("--"):
            incomplete = incomplete.partition("=")[2]
        cut = len(incomplete) - len(word) if incomplete.endswith(word) else 0
        return f"{item.type},{item.value[cut:]}"
