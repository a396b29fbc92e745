"""Nobody is sent to a distribution that is not ours, or not known to exist.

Whoever registers a name that a message or the manual tells people to install gets its users. Ours
are not registered yet either, so they are installed from a clone, or from a folder of wheels.
"""

from __future__ import annotations

import re

from workspace.sources import MEMBERS, ROOT

OURS = {member.name for member in MEMBERS.values()}
EXAMPLES = {path.name for path in (ROOT / "docs" / "examples").glob("beautyspot-*")}
FOR_EXAMPLE = {"beautyspot-foo"}
TOLD_NOT_TO = "what `pip install beautyspot` finds there is 2.x"

FOLDERS = ["docs", *(f"{name}/src" for name in sorted(OURS))]
FILES = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*"))]
FILES += [*ROOT.glob("*.md"), *(ROOT / name / "README.md" for name in sorted(OURS))]
TEXTS = {
    path.relative_to(ROOT).as_posix(): path
    for path in FILES
    if path.suffix in (".py", ".md", ".toml", ".html", ".ipynb")
}


def pinned() -> set[str]:
    """What the tests get from an index: it exists, and is what we take it for."""
    lines = "\n".join(file.read_text() for file in (ROOT / "requirements").glob("*.txt"))
    return {name.replace(".", "-") for name in re.findall(r"^([\w.-]+)==", lines, re.MULTILINE)}


def told(text: str) -> list[str]:
    """What follows each `pip install`, up to where the command ends."""
    text = re.sub(r'"\s*\n\s*f?"', "", text)  # a message in several lines of code
    return re.findall(r"pip install ((?:[^\n`&#]|\n(?=\s+-))+)", text)


def names(command: str) -> list[str]:
    """The distributions that a command would ask an index for; a sentence may go on behind it."""
    if "--find-links" in command and "'>=3" not in command and ">=3'" in command:
        return []  # of ours, from a folder, and no release before 3
    found = []
    for word in re.findall(r"'[^']*'|\"[^\"]*\"|\S+", command):
        plain = word.strip("'\"()\\")
        if re.search(r"/|\.(txt|whl)$|^[-.]", plain) or plain in ("dist", "test.txt"):
            continue
        named = re.match(r"\{?[A-Za-z][\w.-]*", plain)
        if named is None or (found and word == plain and word.isalpha() and word in ("or", "and")):
            break
        found.append(named[0].lower())
    return found


def test_what_is_to_be_installed_is_known() -> None:
    known = pinned()
    strange = {}
    for name, path in TEXTS.items():
        text = path.read_text(encoding="utf-8").replace(TOLD_NOT_TO, "")
        asked = {one.replace(".", "-") for command in told(text) for one in names(command)}
        if name == "docs/examples/quickstart.py":
            asked -= {"{members"}  # of this clone
        if asked - known:
            strange[name] = asked - known
    assert strange == {}


def test_what_is_called_like_ours_is_ours() -> None:
    strange = {}
    for name, path in TEXTS.items():
        text = path.read_text(encoding="utf-8")
        named = set(re.findall(r"(?:install|distribution)\w* [`'\"]?(beautyspot-[a-z0-9]+)", text))
        if named - OURS - EXAMPLES - FOR_EXAMPLE:
            strange[name] = named
    assert strange == {}
