"""Containers of a container set: who waits for whom, and how often a program is tried.

A container that depends on others runs from the beginning, as upstream's emissary does; its program
begins when theirs have succeeded. A retry is another run of the program in the same container, by a
shell of that container. Upstream: argo-workflows cmd/argoexec/commands/emissary.go,
pkg/apis/workflow/v1alpha1 ContainerSetTemplate.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sampan.kube.keys import Manifest
from sampan.lib.gotime import durations

_LOOP = (
    'n=$1; d=$2; shift 2; command -v -- "$1" >/dev/null || { '
    """printf '%s "%s": %s\\n' "failed to find name in PATH: exec:" "$1" """
    """'executable file not found in $PATH' >&2; exit 64; }; """
    'while :; do "$@" && exit 0; c=$?; n=$((n-1)); '
    "[ $n -gt 0 ] || exit $c; sleep $d; done"
)


def waits_for(template: Manifest, container: Mapping[str, Any]) -> list[str]:
    """The containers that have to succeed first."""
    group = (template.get("containerSet") or {}).get("containers") or ()
    return next(
        (list(e.get("dependencies") or ()) for e in group if e["name"] == container["name"]), []
    )


def retrying(
    template: Manifest, container: Mapping[str, Any], argv: tuple[str, ...]
) -> tuple[str, ...]:
    """The command, tried as often as the set says."""
    group = template.get("containerSet") or {}
    strategy = group.get("retryStrategy") or {}
    members = {each["name"] for each in group.get("containers") or ()}
    text = str(strategy.get("retries") or "")
    if container["name"] not in members or not text.isdecimal() or int(text) < 2:
        return argv
    return ("/bin/sh", "-c", _LOOP, "argoexec", text, f"{_pause(strategy):g}", *argv)


def _pause(strategy: Mapping[str, Any]) -> float:
    """Seconds between two tries; what is no duration is none."""
    try:
        return max(durations.parse(strategy.get("duration") or "0") / 1e9, 0.0)
    except ValueError:
        return 0.0
