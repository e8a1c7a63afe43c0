"""Is this the command of a lightweight component, or of a trial's function? Pure.

The SDK of pipelines writes one of a few texts, the same for years but for versions and packages:

    sh -c  …pip install…  sh -ec  …python3 -m kfp.dsl.executor_main…  SOURCE  ARGUMENTS

The first half is missing where there is nothing to install. Those of Katib and training write one
script, in which `pip install …` comes before the function in a here-document. A text counts only if
it is one of these to the letter, since what runs instead has to do the same: with one more word it
is somebody's own script. Of a script the part that follows the installing is run as it is.
Upstream: sdk/python/kfp/dsl/component_factory.py, from 2.0.0 to 2.17; kubeflow-katib 0.19,
kubeflow/katib/utils/utils.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from msgspec import Struct

_BEFORE = (
    r'\nif ! \[ -x "\$\(command -v pip\)" \]; then\n'
    r"    python3 -m ensurepip \|\| python3 -m ensurepip --user \|\| apt-get install python3-pip\n"
    r"fi\n\nPIP_DISABLE_PIP_VERSION_CHECK=1 "
)
_INSTALL = re.compile(_BEFORE + r'(?P<commands>.*) && "\$0" "\$@"\n', re.DOTALL)
_FUNCTION = re.compile(
    _BEFORE + r"(?P<command>[^\n]*)\n"
    r"(?P<rest>\nprogram_path=\$\(mktemp -d\)\nread -r -d '' SCRIPT << EOM\n.*)",
    re.DOTALL,
)
_FILE = r'"\$program_path/ephemeral_component\.py"'
_RUN = re.compile(
    rf'program_path=\$\(mktemp -d\)\n\n?printf "%s" "\$0" > {_FILE}\n'
    r"(?P<runtime>_KFP_RUNTIME=true )?python3 -m (?P<module>kfp\.(?:dsl|components)\.executor_main)"
    rf' +--component_module_path +{_FILE} +"\$@"\n'
)
_VENV = (
    "\nexport PIP_DISABLE_PIP_VERSION_CHECK=1\ntmp=$(mktemp -d)\n"
    'python3 -m venv "$tmp/venv" --system-site-packages\n. "$tmp/venv/bin/activate"\n'
)
_WORD = re.compile(
    r"""'(?P<single>[^']*)'|"(?P<double>[^"$`\\]*)"|(?P<bare>[\w@%+=:,./-]+)|(?P<and>&&)"""
)
"""Words that a shell takes as they are."""
_SHELLS = ("sh", "bash")
_PIP = ("python3", "-m", "pip", "install")
_SILENT = ("--quiet", "--no-warn-script-location")
_INDEX = ("--index-url", "--extra-index-url", "--trusted-host")
_KFP = re.compile(r"kfp==(2\.\d{1,4}\.\d{1,4})")
_KFP_ALONE = ("--no-deps", 'typing-extensions>=3.7.4,<5; python_version<"3.9"')
"""What follows the SDK's version where it is installed without what it depends on."""


class Lightweight(Struct, frozen=True):
    """script: the command less the installing: `sh -ec …` with all that follows, or what is left of
        a script of Katib's, which has `installs` alone.
    installs: what pip is given, one item for each call, in order, without the SDK's own call.
    kfp: the version of the SDK that a call of its own installs without dependencies; "" for none.
    venv: the command makes a virtual environment for itself.
    module: what runs the function of `source` with the arguments `argv`; runtime: with the variable
        `_KFP_RUNTIME=true`, by which the SDK imports only what a function needs.
    """

    script: tuple[str, ...]
    module: str = ""
    runtime: bool = False
    source: str = ""
    argv: tuple[str, ...] = ()
    installs: tuple[tuple[str, ...], ...] = ()
    kfp: str = ""
    venv: bool = False


def recognise(argv: Sequence[str]) -> Lightweight | None:
    """What a command line says, if it is a lightweight component's."""
    calls: list[tuple[str, ...]] = []
    venv, rest = False, tuple(argv)
    if len(rest) == 3 and rest[1] == "-c" and rest[0] in _SHELLS:
        return _function(rest[0], rest[2])
    if rest[:2] == ("sh", "-c") and len(rest) > 3:
        found = _INSTALL.fullmatch(rest[2])
        if found is None:
            return None
        parsed = _calls(found["commands"])
        if parsed is None:
            return None
        (calls, venv), rest = parsed, rest[3:]
    if rest[:2] != ("sh", "-ec") or len(rest) < 4:
        return None
    run = _RUN.fullmatch(rest[2])
    if run is None:
        return None
    versions = [_sdk(call) for call in calls]
    if sum(map(bool, versions)) > 1:
        return None
    return Lightweight(
        script=rest,
        module=run["module"],
        runtime=bool(run["runtime"]),
        source=rest[3],
        argv=rest[4:],
        installs=tuple(call for call, sdk in zip(calls, versions, strict=True) if not sdk),
        kfp="".join(versions),
        venv=venv,
    )


def _function(shell: str, script: str) -> Lightweight | None:
    found = _FUNCTION.fullmatch(script)
    parsed = _calls(found["command"]) if found else None
    if found is None or parsed is None or len(parsed[0]) != 1:
        return None
    return Lightweight(script=(shell, "-c", found["rest"]), installs=tuple(parsed[0]))


def _calls(text: str) -> tuple[list[tuple[str, ...]], bool] | None:
    """(what each call of pip is given, whether there is a virtual environment)."""
    before, block, after = text.partition(_VENV)
    if block and before.strip() and not before.rstrip(" ").endswith("&&"):
        return None
    words = _words(before.rstrip(" ").removesuffix("&&") if block else before)
    more = _words(after)
    if words is None or more is None:
        return None
    calls = [call for part in (words, more) for call in _split(part)]
    if not calls or any(call[:4] != _PIP for call in calls):
        return None
    return [tuple(word for word in call[4:] if word not in _SILENT) for call in calls], bool(block)


def _words(text: str) -> list[str | None] | None:
    """The words of a command line, None for each `&&`; None at all for what a shell would do more
    with than split it."""
    words: list[str | None] = []
    at, text = 0, text.strip(" ")
    while at < len(text):
        found = _WORD.match(text, at)
        if found is None or text[found.end() : found.end() + 1] not in ("", " "):
            return None
        word = found["bare"] or found["single"] or found["double"] or ""
        words.append(None if found["and"] else word)
        at = len(text) - len(text[found.end() :].lstrip(" "))
    return words


def _split(words: Iterable[str | None]) -> list[tuple[str, ...]]:
    calls: list[list[str]] = [[]]
    for word in words:
        if word is None:
            calls.append([])
        else:
            calls[-1].append(word)
    return [tuple(call) for call in calls] if calls != [[]] else []


def _sdk(call: Sequence[str]) -> str:
    """The version, where the call installs the SDK and nothing else."""
    rest = list(call)
    while len(rest) > 1 and rest[0] in _INDEX:
        del rest[:2]
    found = _KFP.fullmatch(rest[0]) if rest else None
    return found[1] if found and tuple(rest[1:]) == _KFP_ALONE else ""
