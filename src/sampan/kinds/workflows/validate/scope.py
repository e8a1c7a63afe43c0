"""Which tags may stand at a place: what the workflow, the template and its steps or tasks tell.

Only tags that begin as upstream's variables do are looked at; expressions (`{{=…}}`) are not, for
they may ask whether something is there. Upstream: argo-workflows workflow/validate/validate.go
resolveAllVariables, addOutputsToScope.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sampan.kinds.workflows.language import tags
from sampan.kinds.workflows.validate.named import Wrong, is_tag

_LOOKED_AT = ("item.", "steps.", "inputs.", "outputs.", "pod.", "workflow.", "tasks.")
_LATER = (
    "outputs.", "workflow.creationTimestamp", "workflow.scheduledTime", "workflow.duration",
    "tasks.name", "steps.name", "node.name",
)  # fmt: skip
"""Always possible: they get their values when the workflow runs."""
_BROUGHT = ("workflow.parameters", "workflow.labels.", "workflow.annotations.")
"""What a workflow brings to the WorkflowTemplate that it uses."""
ANY_ITEM = "item.*"
_ANY_OUTPUT = {
    "workflow.outputs.parameters.": "workflow.outputs.parameters.*",
    "workflow.outputs.artifacts.": "workflow.outputs.artifacts.*",
}
_ALWAYS = frozenset({"id", "startedAt", "finishedAt", "hostNodeName"})
_RESULTS = ("container", "script", "data", "http", "plugin")

Template = Mapping[str, Any]


class Scope:
    """The tags of a template. globals: those of the workflow, which outputs may add to."""

    def __init__(self, tags: set[str], shared: set[str], *, lenient: bool) -> None:
        self.tags = tags
        self.shared = shared
        self.lenient = lenient
        """A WorkflowTemplate alone, without the workflow that uses it."""
        self._told: dict[str, set[str]] = {}

    def has(self, tag: str, more: Collection[str] = ()) -> bool:
        if tag in self.tags or tag in self.shared or tag in more:
            return True
        kind, _, rest = tag.partition(".")
        name, _, field = rest.partition(".")
        return field in self._told.get(f"{kind}.{name}", ())

    def check(self, value: Any, more: Collection[str] = ()) -> None:
        """All tags in a JSON value can stand there. Raises Wrong."""
        for tag in tags.found_in(value):
            if not tag.startswith(_LOOKED_AT) or self.has(tag, more) or self._may_be(tag, more):
                continue
            raise Wrong(f"failed to resolve {{{{{tag}}}}}")

    def _may_be(self, tag: str, more: Collection[str]) -> bool:
        """Whether it may get a value while the workflow runs."""
        if tag.startswith("item.") and (ANY_ITEM in self.tags or ANY_ITEM in more):
            return True
        for start, mark in _ANY_OUTPUT.items():
            if tag.startswith(start) and (mark in self.tags or mark in self.shared):
                return True
        return tag.startswith(_LATER) or (self.lenient and tag.startswith(_BROUGHT))

    def tell(self, kind: str, name: str, *fields: str) -> None:
        """Add fields of a step or a task. kind: `steps` or `tasks`."""
        self._told.setdefault(f"{kind}.{name}", set()).update(fields)

    def add(self, kind: str, name: str, template: Template | None, *, looped: bool) -> None:
        """Add what a step or a task tells when it is over. template: None if not known yet."""
        self.tell(kind, name, *_ALWAYS)
        if template is None:
            return
        if template.get("daemon"):
            self.tell(kind, name, "ip")
        if has_result(template):
            self.tell(kind, name, "outputs.result", "exitCode")
        if looped:
            self.tell(kind, name, "outputs.parameters")
            if template.get("script") or template.get("containerSet"):
                self.tell(kind, name, "outputs.result", "exitCode")
        for field in ("parameters", "artifacts"):
            for each in (template.get("outputs") or {}).get(field) or ():
                self.tell(kind, name, f"outputs.{field}.{each.get('name')}")
                self._export(field, each.get("globalName") or "")

    def _export(self, field: str, name: str) -> None:
        if name and is_tag(name):
            self.tags.add(f"workflow.outputs.{field}.*")
        elif name:
            self.shared.add(f"workflow.outputs.{field}.{name}")


def has_result(template: Template) -> bool:
    """Whether a template has `outputs.result`."""
    if any(template.get(kind) is not None for kind in _RESULTS):
        return True
    containers = (template.get("containerSet") or {}).get("containers") or ()
    return any(each.get("name") == "main" for each in containers)


def items(child: Mapping[str, Any]) -> set[str]:
    """The `item` tags of a step or a task that loops. Raises Wrong."""
    loops = [field for field in ("withItems", "withParam", "withSequence") if child.get(field)]
    if len(loops) > 1:
        raise Wrong("only one of withItems, withParam, withSequence can be specified")
    if child.get("withParam"):
        return {"item", ANY_ITEM}
    if sequence := child.get("withSequence"):
        if sequence.get("count") is not None and sequence.get("end") is not None:
            raise Wrong("only one of count or end can be defined in withSequence")
        return {"item"}
    found: set[str] = set()
    listed = child.get("withItems")
    for each in listed if isinstance(listed, list) else ():
        if isinstance(each, dict):
            found |= {f"item.{key}" for key in each}
        elif isinstance(each, list):
            found |= {f"item.[{place}]" for place in range(len(each))}
        else:
            found.add("item")
    return found
