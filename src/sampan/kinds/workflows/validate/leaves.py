"""Templates that call no others: containers, scripts, resources, …

Upstream: argo-workflows workflow/validate/validate.go validateLeaf.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sampan.kinds.workflows.validate.containers import container_set
from sampan.kinds.workflows.validate.named import Wrong
from sampan.kinds.workflows.validate.scope import Scope
from sampan.lib import yaml

RESERVED = ("wait", "supervisor")
_PLUGIN = "artifact-plugin-"
_ACTIONS = ("get", "create", "apply", "delete", "replace", "patch")
_EXPRESSION = re.compile(r"\{\{\s*=\s*.+?\s*\}\}")

Template = Mapping[str, Any]


def check(template: Template, scope: Scope, defaults: Mapping[str, Any]) -> None:
    """defaults: `templateDefaults`. Raises Wrong."""
    name = template.get("name") or ""
    try:
        scope.check({key: value for key, value in template.items() if key != "name"})
    except Wrong as wrong:
        raise Wrong(f"templates.{name}: {wrong}", wrong.core) from wrong
    _bodies(template, name)
    for kind in ("container", "script"):
        body = template.get(kind)
        usual = (defaults.get(kind) or {}).get("image")
        if body is not None and not body.get("image") and not usual:
            raise Wrong(f"templates.{name}.{kind}.image may not be empty")
    if not _is_deadline(template.get("activeDeadlineSeconds")):
        why = "must be a positive integer > 0 or an argo variable"
        raise Wrong(f"templates.{name}.activeDeadlineSeconds {why}")
    if template.get("parallelism") is not None:
        why = "is only valid for steps and dag templates"
        raise Wrong(f"templates.{name}.parallelism {why}")


def _bodies(template: Template, name: str) -> None:
    """What is in the containers, or in what stands for them."""
    if template.get("container") is not None:
        _mounts(template, name)
    if template.get("containerSet") is not None:
        container_set(template, name)
        for each in template["containerSet"].get("containers") or ():
            _not_reserved(each, f"templates.{name}.containerSet.containers")
    for each in template.get("sidecars") or ():
        _not_reserved(each, f"templates.{name}.sidecars")
    if template.get("resource") is not None:
        _resource(template, name)


def _mounts(template: Template, name: str) -> None:
    """Nothing is mounted, or loaded, twice at one place."""
    taken: dict[str, str] = {}
    for index, mount in enumerate(template["container"].get("volumeMounts") or ()):
        path = mount.get("mountPath")
        at = f"templates.{name}.container.volumeMounts[{index}].mountPath"
        if path in taken:
            raise Wrong(f"{at} '{path}' already mounted in {taken[path]}")
        taken[path] = f"container.volumeMounts.{mount.get('name')}"
    for index, artifact in enumerate((template.get("inputs") or {}).get("artifacts") or ()):
        path = artifact.get("path")
        if path in taken:
            at = f"templates.{name}.inputs.artifacts[{index}].path"
            raise Wrong(f"{at} '{path}' already mounted in {taken[path]}")
        taken[path] = f"inputs.artifacts.{artifact.get('name')}"


def _not_reserved(container: Mapping[str, Any], at: str) -> None:
    name = container.get("name") or ""
    if name in RESERVED or name.startswith(_PLUGIN):
        raise Wrong(f'{at}: "{name}" is a reserved Argo container name')


def _resource(template: Template, name: str) -> None:
    body, at = template["resource"], f"templates.{name}.resource"
    action, manifest = body.get("action") or "", body.get("manifest") or ""
    if action not in _ACTIONS and "{{" not in action:
        raise Wrong(f"{at}.action must be one of: {', '.join(_ACTIONS)}")
    if action in ("delete", "get"):
        return
    source = body.get("manifestFrom")
    if not manifest and source is None:
        raise Wrong(f"either {at}.manifest or {at}.manifestFrom must be specified")
    if manifest and source is not None:
        raise Wrong(
            "shouldn't have both `manifest` and `manifestFrom` specified in `Manifest` for resource"
            " template"
        )
    if source is not None:
        wanted = (source.get("artifact") or {}).get("name")
        listed = (template.get("inputs") or {}).get("artifacts") or ()
        if wanted not in {each.get("name") for each in listed}:
            raise Wrong(f"artifact {wanted} in `manifestFrom` refer to a non-exist artifact")
    _is_yaml(manifest, at)


def _is_yaml(manifest: str, at: str) -> None:
    """Tags count as words: what they stand for shows later."""
    plain = re.sub(r"\{\{.*?\}\}", "placeholder", _EXPRESSION.sub("placeholder", manifest))
    try:
        yaml.load_all(plain)
    except yaml.YamlError as error:
        raise Wrong(f"{at}.manifest must be a valid yaml") from error


def _is_deadline(value: Any) -> bool:
    if value is None or isinstance(value, int):
        return value is None or value >= 0
    text = str(value)
    return text.isdigit() or (text.startswith("{{") and text.endswith("}}"))


def location(place: Mapping[str, Any], at: str) -> None:
    """The place of an artifact says what is needed to get there. Raises Wrong."""
    git, hdfs = place.get("git"), place.get("hdfs")
    if git is not None and not git.get("repo"):
        raise Wrong(f"{at}.git.repo is required")
    if hdfs is not None:
        if not hdfs.get("addresses"):
            raise Wrong(f"{at}.hdfs.addresses is required")
        if not str(hdfs.get("path") or "").startswith(("/", "{{")):
            raise Wrong(f"{at}.hdfs.path must be a absolute file path")
