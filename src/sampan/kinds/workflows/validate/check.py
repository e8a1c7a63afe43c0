"""One run of the validator over a workflow: who has been looked at, what is shared by all.

`holder` looks at whatever names a template (a step, a task, a hook, the entrypoint): the name leads
somewhere, and what it gives suffices. Each template itself is looked at once.
Upstream: argo-workflows workflow/validate/validate.go validateTemplateHolder.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sampan.kinds.workflows.resolve import join, references
from sampan.kinds.workflows.resolve.book import Shelf, Unknown
from sampan.kinds.workflows.validate.named import Wrong

_DEEPEST = 60
"""Levels of calls that are followed at once; what is below is looked at by itself."""
_POLICIES = ("Always", "OnFailure", "OnError", "OnTransientError")

Template = Mapping[str, Any]
Caller = Mapping[str, Any]
Given = Mapping[str, Any] | None
"""The arguments of a call; None for: as if all were given."""


class Check:
    """library: the WorkflowTemplates that can be reached; None to leave references alone.
    shared: tags that may stand anywhere. lenient: a WorkflowTemplate without its workflow."""

    def __init__(
        self,
        spec: Mapping[str, Any],
        library: references.Library | None,
        shared: set[str],
        *,
        lenient: bool,
        template: Callable[[Check, Template, str, Given], None],
    ) -> None:
        self.spec = spec
        self.shared = shared
        self.lenient = lenient
        self.seen: set[tuple[str, str | int]] = set()
        self.deep = 0
        self._library = library
        self._shelf = Shelf(spec, library or {})
        self._template = template

    def defaults(self, home: str) -> Mapping[str, Any]:
        """`templateDefaults` of the place that a template is from."""
        scope = home.partition("/")[0]
        if scope == "cluster":
            return {}
        spec = (self._library or {}).get(home) or {} if scope == "namespaced" else self.spec
        found: Mapping[str, Any] = spec.get("templateDefaults") or {}
        return found

    def holder(self, who: Caller, home: str, given: Given) -> Template | None:
        """The template that is named; None when that shows only later. Raises Wrong."""
        if not self._named(who):
            return None
        try:
            template = self._shelf.take(who, home)
        except Unknown as fault:
            raise Wrong(_absent(who)) from fault
        kinds = [kind for kind in join.TYPES if template.get(kind) is not None]
        if not kinds:
            raise Wrong(f"template '{template.get('name') or ''}' type is unknown")
        policy = (template.get("retryStrategy") or {}).get("retryPolicy")
        if policy and policy not in _POLICIES and "{{" not in policy:
            raise Wrong(f"{policy} is not a valid RetryPolicy")
        if self.deep < _DEEPEST:
            self.deep += 1
            try:
                self._template(self, template, references.home_for(who, home), given)
            finally:
                self.deep -= 1
        return template

    def _named(self, who: Caller) -> bool:
        """Whether it can be known by now which template is meant. Raises Wrong."""
        reference, name = who.get("templateRef"), who.get("template") or ""
        if who.get("inline"):
            return True
        if reference is None:
            if not name:
                raise Wrong("failed to get a template")
            return "{{" not in name
        if name:
            raise Wrong("template name cannot be specified with templateRef")
        if not reference.get("name"):
            raise Wrong("resource name is required")
        if not reference.get("template"):
            raise Wrong("template name is required")
        if self._library is None:
            return False
        return "{{" not in f"{reference['name']}{reference['template']}"


def _absent(who: Caller) -> str:
    if reference := who.get("templateRef"):
        return f"template reference {reference['name']}.{reference['template']} not found"
    return f"template name '{who.get('template')}' undefined"
