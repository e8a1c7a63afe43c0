"""The command of a trial, where its shell does nothing that a fork could not do by itself.

    sh -c "python3 /program/train.py --lr=0.1 1>FILE 2>&1 && echo completed > DIRECTORY/$$.pid"

Words without anything that a shell would read in another way, or a function as Katib's SDK sends
one; all around them is as `kube.katib` writes it, letter by letter, or a shell is to have it. Pure.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence

from msgspec import Struct

from sampan.kube import katib
from sampan.nodes import environment

_AROUND = r"(?: 1>(?P<stdout>/\S+) 2>&1)?(?P<judged> \|\| if .*; fi)? && echo \S+ > (?P<mark>/\S+)"
_PLAIN = re.compile(rf"(?P<words>[\w@%+=:,./ -]+?){_AROUND}", re.ASCII)
_FILE = r'"\$program_path/ephemeral_script\.py"'
_TUNED = re.compile(
    r"(?P<words>\nprogram_path=\$\(mktemp -d\)\nread -r -d '' SCRIPT << EOM\n(?P<source>.*)\nEOM\n"
    rf'printf "%s" "\$SCRIPT" > {_FILE}\npython -u {_FILE}){_AROUND}',
    re.DOTALL,
)
"""What the SDK's `tune` writes of a function. Upstream: sdk/python/v1beta1/kubeflow/katib/utils."""
_END = "\nEOM\n"
_READ = frozenset("$`\\")
"""What a shell reads in such a text. Around it stand white space, which goes."""


class Shell(Struct, frozen=True):
    """What a shell does around a program, for `supervisor.shell`. mark: the file that says how it
    ended, with the number of a process that is its own; stdout: where its output goes, "" to leave
    it; judged: it may be stopped early, and then says which of `said` it was."""

    argv: tuple[str, ...]
    mark: str
    stdout: str
    judged: bool
    marks: tuple[str, str] = (katib.COMPLETED, katib.EARLY_STOPPED)
    said: tuple[str, str] = (katib.STOPPED, katib.FAILED)


class Trial(Struct, frozen=True):
    """The words of the program; None among them stands for a file `name` of this source, in a
    directory of its own."""

    shell: Shell
    words: tuple[str | None, ...]
    source: str = ""
    name: str = ""


def read(argv: Sequence[str]) -> Trial | None:
    """None for any other command."""
    if len(argv) != 3 or argv[1] != "-c":
        return None
    found = (_PLAIN if argv[0] == "sh" else _TUNED).fullmatch(argv[2])
    if found is None or argv[0] not in ("sh", "bash"):
        return None
    stdout, judged = found["stdout"] or "", bool(found["judged"])
    directory = posixpath.dirname(found["mark"])
    written = katib.wrapped([found["words"]], directory, stdout=stdout, stoppable=judged)
    if environment.expand(written, {}) != argv[2]:
        return None
    shell = Shell(tuple(argv), found["mark"].replace("$$", "1"), stdout, judged)
    if argv[0] == "bash":
        source = found["source"]
        if _END in source or not _READ.isdisjoint(source):
            return None
        return Trial(shell, ("python", "-u", None), source.strip(" \t\n"), "ephemeral_script.py")
    words = found["words"].split()
    return Trial(shell, tuple(words)) if words and "=" not in words[0] else None
