"""Admission of Workflows: everything that is wrong or not supported, by template and field.

`problems` is asked by the API server, and by the controller before the first pod, for a cluster of
others has no such admission. Steps and tasks are looked at in `calls`, tags in `references`.
Upstream: argo-workflows workflow/validate/validate.go, the CRD's CEL rules.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from sampan.kinds.workflows import spelling
from sampan.kinds.workflows.language import variables
from sampan.kinds.workflows.validate import calls, references, supported
from sampan.kube import podspec
from sampan.kube.component import Rules
from sampan.kube.errors import Problem, duplicate, forbidden, invalid, required, unsupported
from sampan.kube.keys import Manifest

_NAME = re.compile(r"[a-zA-Z0-9][-a-zA-Z0-9]{0,127}")
_PARAMETER = re.compile(r"[-a-zA-Z0-9_]+")
_MOST_TEMPLATES = 200
_SHUTDOWNS = ("Terminate", "Stop")
_CLAIM_GCS = ("OnWorkflowCompletion", "OnWorkflowSuccess")

Template = Mapping[str, Any]


def validate(manifest: Manifest, old: Manifest | None) -> list[Problem]:
    """On an update only a spec that changed is looked at: status is written often."""
    if old is not None and old.get("spec") == manifest.get("spec"):
        return []
    return problems(manifest)


def problems(manifest: Manifest) -> list[Problem]:
    """What is wrong with a Workflow whose shape the schema has checked; [] for a good one."""
    spec = manifest.get("spec") or {}
    if spec.get("workflowTemplateRef"):
        return [forbidden("spec.workflowTemplateRef", supported.NOT_YET)]
    found = [*_workflow(manifest, spec), *_templates(spec)]
    if found:
        return found  # what follows takes names and kinds for granted
    known = variables.of_workflow(manifest, spec, None).keys()
    for index, template in enumerate(spec["templates"]):
        at = f"spec.templates[{index}]"
        found += references.problems(template, known, at)
        if any(template.get(kind) is not None for kind in supported.LEAVES):
            found += _pod(spec, template, at)
    found += references.unresolved(spec.get("volumes"), known, "spec.volumes")
    return found + list(calls.problems(spec))


def _workflow(manifest: Manifest, spec: Mapping[str, Any]) -> Iterator[Problem]:
    name = manifest["metadata"].get("name") or ""
    if len(name) > 63:
        yield invalid("metadata.name", name, "must be no more than 63 characters")
    yield from supported.refused(spec, supported.SPEC, "spec")
    if not spec.get("entrypoint"):
        yield required("spec.entrypoint")
    if (stop := spec.get("shutdown")) and stop not in _SHUTDOWNS:
        yield unsupported("spec.shutdown", stop, _SHUTDOWNS)
    strategy = (spec.get("volumeClaimGC") or {}).get("strategy")
    if strategy and strategy not in _CLAIM_GCS:
        yield unsupported("spec.volumeClaimGC.strategy", strategy, _CLAIM_GCS)
    for field in ("parallelism", "activeDeadlineSeconds"):
        yield from _positive(spec.get(field), f"spec.{field}")
    yield from _parameters(spec.get("arguments"), supported.PARAMETER, "spec.arguments")
    for index, claim in enumerate(spec.get("volumeClaimTemplates") or ()):
        if not (claim.get("metadata") or {}).get("name"):
            yield required(f"spec.volumeClaimTemplates[{index}].metadata.name")


def _positive(value: Any, path: str) -> Iterator[Problem]:
    if value is None:
        return
    text = str(value)
    if "{{" not in text and (not text.isdecimal() or int(text) < 1):
        yield invalid(path, value, "must be greater than 0")


def _templates(spec: Mapping[str, Any]) -> Iterator[Problem]:
    templates = spec.get("templates") or []
    if not templates:
        yield required("spec.templates")
    if len(templates) > _MOST_TEMPLATES:
        fault = f"must have at most {_MOST_TEMPLATES} items"
        yield Problem("spec.templates", "FieldValueTooMany", f"Too many: {len(templates)}: {fault}")
    seen: set[str] = set()
    for index, template in enumerate(templates):
        at, name = f"spec.templates[{index}]", template.get("name") or ""
        yield from named(name, f"{at}.name")
        if name and name in seen:
            yield duplicate(f"{at}.name", name)
        seen.add(name)
        yield from _template(template, at)


def named(name: str, path: str) -> Iterator[Problem]:
    """Faults of a name of a template, a step or a task."""
    if not name:
        yield required(path)
    elif _NAME.fullmatch(name) is None:
        fault = "must consist of alphanumeric characters or '-', begin with one of the former,"
        yield invalid(path, name, f"{fault} and have no more than 128 characters")


def _template(template: Template, path: str) -> Iterator[Problem]:
    yield from supported.refused(template, supported.TEMPLATE, path)
    kinds = [kind for kind in supported.KINDS if template.get(kind) is not None]
    if not kinds:
        others = [key for key in template if key not in supported.TEMPLATE]
        if not others:
            kinds_text = ", ".join(supported.KINDS)
            yield required(path, f"the template's type: one of {kinds_text}")
        return
    for kind in kinds[1:]:
        yield forbidden(f"{path}.{kind}", f"the template is of type {kinds[0]} already")
    leaf = kinds[0] in supported.LEAVES
    useless = supported.GROUP_ONLY if leaf else supported.POD_ONLY
    allowed = supported.TEMPLATE - useless
    why = f"has no meaning for a template of type {kinds[0]}"
    given = {field: template[field] for field in useless if field in template}
    yield from supported.refused(given, allowed, path, why)
    yield from _parameters(template.get("inputs"), supported.PARAMETER, f"{path}.inputs")
    yield from supported.refused(
        template.get("outputs") or {}, supported.OUTPUTS if leaf else (), f"{path}.outputs"
    )
    for field in ("parallelism", "activeDeadlineSeconds"):
        yield from _positive(template.get(field), f"{path}.{field}")
    if not leaf:
        yield from calls.shape(template, path)


def _parameters(body: Any, fields: frozenset[str], path: str) -> Iterator[Problem]:
    """Faults of `inputs` or `arguments`."""
    yield from supported.refused(body or {}, supported.ARGUMENTS, path)
    seen: set[str] = set()
    for index, parameter in enumerate((body or {}).get("parameters") or ()):
        at, name = f"{path}.parameters[{index}]", parameter.get("name") or ""
        if _PARAMETER.fullmatch(name) is None:
            yield invalid(f"{at}.name", name, "must consist of alphanumeric characters, '_' or '-'")
        elif name in seen:
            yield duplicate(f"{at}.name", name)
        seen.add(name)
        yield from supported.refused(parameter, fields, at)


def _pod(spec: Mapping[str, Any], template: Template, path: str) -> Iterator[Problem]:
    """Faults of the pod that a template makes, named by the template's fields. What a tag may
    still mend is judged when the pod is made."""
    kind = "script" if template.get("script") is not None else "container"
    container = {**template[kind], "name": "main"}
    container.pop("source", None)
    own, shared = template.get("volumes") or [], spec.get("volumes") or []
    names = {volume.get("name") for volume in own}
    claims = [{"name": c["metadata"]["name"]} for c in spec.get("volumeClaimTemplates") or ()]
    others = [volume for volume in (*shared, *claims) if volume.get("name") not in names]
    pod = {
        "containers": [container],
        "initContainers": template.get("initContainers") or [],
        "volumes": [*own, *others],
    }
    for problem in podspec.problems(pod, path):
        if "{{" not in problem.message:
            field = problem.field.replace(f"{path}.containers[0]", f"{path}.{kind}", 1)
            yield Problem(field, problem.reason, problem.message)


RULES = Rules(default=spelling.workflow, validate=validate)
