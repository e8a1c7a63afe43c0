"""What becomes of a workflow when the cluster refuses for good what it needs.

A pod that may not be made (an admission rule says no, its service account is not there, what it is
to be given is too long for a ConfigMap) ends its node in error, and the workflow goes on as it does
after any error; an agent that may not be made ends all that it was to do, a claim the workflow.
A quota that is used up is no such thing: there may be room later.
Upstream: argo-workflows workflow/controller/operator.go createPVCs, workflowpod.go.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from sampan.kinds.workflows import nodes, status
from sampan.kinds.workflows.agents import pod, tasks
from sampan.kinds.workflows.nodes import Node
from sampan.kinds.workflows.status import Word
from sampan.kinds.workflows.types import Run
from sampan.kube import meta, names
from sampan.kube.keys import Manifest
from sampan.kube.plan import Action, Apply


class Instead(Struct, frozen=True):
    """For `Plan.instead`. now: as metadata has it; made: the nodes that the look changed."""

    run: Run
    now: str
    made: Mapping[str, Node]

    def __call__(self, action: Action, message: str) -> list[Action]:
        if not isinstance(action, Apply):
            return []
        if action.manifest["kind"] in ("Pod", "ConfigMap"):
            if meta.name_of(action.manifest) == pod.name_of(self.run.name):
                return self._without_agent(message)
            return self._without_pod(action.manifest, message)
        if action.manifest["kind"] == "PersistentVolumeClaim":
            began = status.tell(self.run, Word(phase="Running"))
            word = Word(phase="Error", message=f"pvc create error: {message}")
            patch = status.refusal(self.run, word)
            return [*began, *status.tell(self.run, word), *([patch] if patch else ())]
        return []

    def _without_pod(self, refused: Manifest, message: str) -> list[Action]:
        noted = meta.annotations_of(refused)
        node = self.made.get(noted.get(names.ANNOTATION_NODE_ID) or "")
        if node is None or nodes.over(node):
            return []
        ended = nodes.turned(node, "Error", self.now, message)
        return [status.of_nodes(self.run, self._hung(ended))]

    def _hung(self, ended: Node) -> list[Node]:
        """The node and those above it, as they were but for the way to it: all else that the look
        changed is not written, and is decided again."""
        told = {ended["id"]: ended}
        while above := [
            each
            for id, each in self.made.items()
            if id not in told and not told.keys().isdisjoint(each.get("children") or ())
        ]:
            for each in above:
                old = self.run.nodes.get(each["id"]) or each
                told[each["id"]] = {**old, "children": each["children"]}
        there = self.run.nodes.keys() | told.keys()
        for id, each in told.items():
            if "children" in each:
                left = [child for child in each["children"] or () if child in there]
                told[id] = {**each, "children": left}
        return list(told.values())

    def _without_agent(self, message: str) -> list[Action]:
        """All that it was to do ends in error."""
        known = {**self.run.nodes, **self.made}
        message = f'create agent pod failed with reason:"{message}"'
        ended = [
            nodes.turned(node, "Error", self.now, message)
            for node in known.values()
            if node["type"] in tasks.TYPES and not nodes.over(node)
        ]
        return [status.of_nodes(self.run, ended)] if ended else []
