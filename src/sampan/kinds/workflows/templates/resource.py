"""Templates of kind `resource`: something is done to an object of the cluster.

The pod's main container is the executor itself, which acts as the pod's service account. With
`setOwnerReference` what it makes belongs to the workflow.
Upstream: argo-workflows workflow/controller/operator.go executeResource.
"""

from __future__ import annotations

from typing import Any

from sampan.kinds.workflows.nodes import Node
from sampan.kinds.workflows.pods import carry
from sampan.kinds.workflows.pods.about import Unbuildable
from sampan.kinds.workflows.templates import container
from sampan.kinds.workflows.types import Template
from sampan.kinds.workflows.walk import Running, Walk
from sampan.kube import argoexec, meta
from sampan.kube.keys import Manifest
from sampan.lib import yaml


def execute(walk: Walk, running: Running) -> Node | None:
    def prepared(template: Template) -> Template:
        return _owned(template, walk.workflow.manifest)

    return container.start(walk, running, _main, prepared)


def _main(template: Template) -> list[dict[str, Any]]:
    action = template["resource"].get("action") or ""
    return [carry.executor(argoexec.MAIN, argoexec.RESOURCE, action)]


def _owned(template: Template, owner: Manifest) -> Template:
    """The template whose manifest names the workflow as owner, if that is wanted."""
    body = template["resource"]
    if not body.get("setOwnerReference"):
        return template
    try:
        made = yaml.load(body.get("manifest") or "")
    except yaml.YamlError as error:
        raise Unbuildable(f"resource.manifest: {error}") from None
    if not isinstance(made, dict) or not isinstance(made.get("metadata") or {}, dict):
        raise Unbuildable("resource.manifest is no object that could have an owner")
    about = made.get("metadata") or {}
    owners = [*(about.get("ownerReferences") or ()), meta.controlled_by(owner)]
    whole = {**made, "metadata": {**about, "ownerReferences": owners}}
    return {**template, "resource": {**body, "manifest": yaml.dump(whole)}}
