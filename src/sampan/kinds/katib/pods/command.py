"""The command of a primary container, so that it writes its metrics and leaves a mark.

Words are joined by blanks and not quoted: a shell reads them once more, which experiments rely on.
A script whose last line has an end, as in a block of YAML, is put in braces, since what follows it
would be no part of it; upstream's collectors see nothing of such a script, or a syntax error.
The mark lies in the directory of the metrics under the number of the shell's process; `$$$$` is
what Kubernetes makes `$$` of, which the shell fills in. Upstream: pkg/webhook/v1beta1/pod/utils.go
wrapWorkerContainer.
"""

from __future__ import annotations

from typing import Any

from sampan.kube import katib


def wrap(container: dict[str, Any], directory: str, *, stdout: str, stoppable: bool) -> None:
    """Rewrite the command in place. `stdout`: the file that the output goes to, "" to leave it.
    `stoppable`: the trial may be stopped early, which is no failure."""
    shell, words = katib.shell_of(_words(container))
    if words and words[-1].rstrip(" \t").endswith("\n"):
        words = ["{", *words, "}"]
    script = katib.wrapped(words, directory, stdout=stdout, stoppable=stoppable)
    container["command"] = shell or ["sh", "-c"]
    container["args"] = [script]


def _words(container: dict[str, Any]) -> list[str]:
    """What the container runs; what only its image says stands in for itself."""
    command, args = container.get("command") or [], container.get("args") or []
    if command:
        return [*command, *args]
    return [katib.ENTRYPOINT, *(args or [katib.CMD])]
