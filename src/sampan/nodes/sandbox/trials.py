"""The command of a trial, where its shell does nothing that a fork could not do by itself.

    sh -c "python3 /program/train.py --lr=0.1 1>FILE 2>&1 && echo completed > DIRECTORY/$$.pid"

Words without anything that a shell would read in another way; all around them is as `kube.katib`
writes it, letter by letter, or it is left to a shell. Pure.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence

from msgspec import Struct

from sampan.kube import katib
from sampan.nodes import environment

_SCRIPT = re.compile(
    r"(?P<words>[\w@%+=:,./ -]+?)"
    r"(?: 1>(?P<stdout>/\S+) 2>&1)?"
    r"(?P<judged> \|\| if .*; fi)?"
    r" && echo \S+ > (?P<mark>/\S+)",
    re.ASCII,
)


class Shell(Struct, frozen=True):
    """What a shell does around a program, for `supervisor.shell`. mark: the file that says how it
    ended, with the number of a process that is its own; stdout: where its output goes, "" to leave
    it; judged: it may be stopped early, and then says which of `said` it was."""

    script: str
    mark: str
    stdout: str
    judged: bool
    marks: tuple[str, str] = (katib.COMPLETED, katib.EARLY_STOPPED)
    said: tuple[str, str] = (katib.STOPPED, katib.FAILED)


def read(argv: Sequence[str]) -> tuple[Shell, tuple[str, ...]] | None:
    """The shell, and the words of the program; None for any other command."""
    if len(argv) != 3 or tuple(argv[:2]) != ("sh", "-c"):
        return None
    found = _SCRIPT.fullmatch(argv[2])
    if found is None:
        return None
    stdout, judged = found["stdout"] or "", bool(found["judged"])
    directory = posixpath.dirname(found["mark"])
    written = katib.wrapped([found["words"]], directory, stdout=stdout, stoppable=judged)
    words = found["words"].split()
    if environment.expand(written, {}) != argv[2] or not words or "=" in words[0]:
        return None
    mark = found["mark"].replace("$$", "1")
    return Shell(argv[2], mark, stdout, judged), tuple(words)
