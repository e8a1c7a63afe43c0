"""Arguments that are too long for a command line: the controller has put them into a ConfigMap.

One that is too long by itself becomes a file, and `@` with its path the argument: the program has
to know that form. Upstream: argo-workflows cmd/argoexec/commands/emissary.go.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sampan.kube import argoexec
from sampan.nodes.executor.job import config_of
from sampan.nodes.facts import ConfigError, PodFacts


def shortened(facts: PodFacts, spec: Mapping[str, Any]) -> tuple[Mapping[str, Any], dict[str, str]]:
    """The container with its arguments; what is to be written below its /tmp, by name. ConfigError
    when they cannot be had."""
    if not any(each["name"] == argoexec.ARGUMENTS_FILE for each in spec.get("env") or ()):
        return spec, {}
    text = config_of(facts).get(argoexec.ARGUMENTS_FILE)
    if text is None:
        raise ConfigError(f"the arguments of {spec['name']} are not there")
    before = max(len(argoexec.unwrapped(spec.get("command")) or ()) - 1, 0)
    args: list[str] = []
    files: dict[str, str] = {}
    for index, argument in enumerate(map(str, json.loads(text)), before):
        if len(argument.encode()) > argoexec.LONGEST:
            name = f"argo_arg_{index}.txt"
            files[name], argument = argument, f"@/tmp/{name}"
        args.append(argument)
    return {**spec, "args": args}, files


def write(directory: Path, texts: Mapping[str, str]) -> None:
    """Before the container has begun: nothing of it can be in the way."""
    os.makedirs(directory, exist_ok=True)
    for name, text in texts.items():
        (directory / name).write_text(text)
