"""Admission of ReplicationControllers, whose selector is labels and may be left out.

Upstream: kubernetes pkg/apis/core/{v1/defaults.go,validation}.
"""

from __future__ import annotations

from sampan.kinds.workloads.admit import common
from sampan.kube import labels, templates
from sampan.kube.component import Rules
from sampan.kube.errors import Problem, invalid, required
from sampan.kube.keys import Manifest


def default(manifest: Manifest) -> None:
    spec = manifest.setdefault("spec", {})
    spec.setdefault("replicas", 1)
    if spec.get("template") is None:
        return
    templates.fill(spec["template"])
    given = spec["template"]["metadata"].get("labels")
    if given and not spec.get("selector"):
        spec["selector"] = {**given}
    if given and not manifest["metadata"].get("labels"):
        manifest["metadata"]["labels"] = {**given}


def validate(manifest: Manifest, old: Manifest | None) -> list[Problem]:
    spec = manifest["spec"]
    found = [*common.not_negative(spec, ("replicas", "minReadySeconds"))]
    selector, template = spec.get("selector"), spec.get("template")
    if not selector:
        found.append(required("spec.selector"))
    else:
        found += templates.label_problems(selector, "spec.selector")
    if template is None:
        return [*found, required("spec.template")]
    given = template["metadata"].get("labels") or {}
    if selector and not labels.matches({"matchLabels": selector}, given):
        fault = "`selector` does not match template `labels`"
        found.append(invalid("spec.template.metadata.labels", given, fault))
    found += templates.problems(template)
    found += templates.forever_problems(template, "ReplicationController")
    return found


def warn(manifest: Manifest) -> list[str]:
    return common.warn(manifest) if manifest["spec"].get("template") else []


RULES = Rules(default=default, validate=validate, warn=warn)
