"""The templates that a workflow can call: by name, by reference, or written in place.

`find` answers with the template as it is to be run, its defaults merged in, and with its home: the
place where the templates that it names in turn are looked up (`local/…`, `namespaced/…`,
`cluster/…`, as `templateScope` of a node). A template from elsewhere is stored in the status when
it is first met and taken from there ever after: editing a WorkflowTemplate does not change what
runs. Upstream: argo-workflows workflow/templateresolution/context.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from sampan.kinds.workflows.resolve import join, references
from sampan.kinds.workflows.types import Run, Template
from sampan.kube.errors import BadRequest

Caller = Mapping[str, Any]


class Unknown(Exception):
    """There is no such template, or it does not go with its defaults; the text says why."""


class Found(Struct, frozen=True, kw_only=True):
    template: Template
    home: str = ""


class Book:
    """All templates that one look at a workflow may need.

    learned: what is new for `status.storedTemplates`.
    """

    def __init__(self, run: Run) -> None:
        spec = run.manifest["spec"]
        self.learned: dict[str, Template] = {}
        self._shelf = Shelf(spec, run.library)
        self._stored: Mapping[str, Template] = run.status.get("storedTemplates") or {}
        self._defaults = spec.get("templateDefaults") or {}
        self._found: dict[tuple[str, str], Found] = {}

    def find(self, who: Caller, home: str) -> Found:
        """The template that a step, a task or a hook names. Raises Unknown."""
        simple = (who.get("template") or "", home) if not _special(who) else ("", "")
        if simple[0] and (known := self._found.get(simple)) is not None:
            return known
        template = self._template(who, home)
        if self._defaults:
            template = self._over_defaults(template)
        found = Found(template=template, home=references.home_for(who, home))
        if simple[0]:
            self._found[simple] = found
        return found

    def _over_defaults(self, template: Template) -> Template:
        try:
            return join.template(template, self._defaults)
        except BadRequest as fault:
            raise Unknown(fault.message) from None

    def _template(self, who: Caller, home: str) -> Template:
        key = key_of(who, home)
        stored = self._stored.get(key) or self.learned.get(key)
        if stored is not None:
            return stored
        template = self._shelf.take(who, home)
        if key:
            self.learned[key] = template
            self._learn_inline(template, references.home_for(who, home))
        return template

    def _learn_inline(self, template: Template, home: str) -> None:
        for child in references.children(template):
            if child.get("inline"):
                self.learned[key_of(child, home)] = child["inline"]

    def learn(self, spec: Mapping[str, Any], home: str) -> None:
        """Store all that can be reached from a spec: at its first look, a workflow decides on what
        it runs. What cannot be found is left for `find` to complain about."""
        queue: list[tuple[Caller, str]] = [(hook, home) for hook in _hooks(spec)]
        if reference := spec.get("workflowTemplateRef"):
            names = self._shelf.names(references.home_of(reference))
            queue += [({"templateRef": {**reference, "template": name}}, home) for name in names]
        for template in spec.get("templates") or ():
            queue += [(caller, home) for caller in references.callers(template)]
        seen: set[str] = set()
        while queue:
            who, at = queue.pop()
            key = key_of(who, at)
            if not key or key in seen or who.get("inline"):
                continue
            seen.add(key)
            try:
                template = self._template(who, at)
            except Unknown:
                continue
            inside = references.home_for(who, at)
            queue += [(caller, inside) for caller in references.callers(template)]


def _hooks(spec: Mapping[str, Any]) -> list[Caller]:
    return list((spec.get("hooks") or {}).values())


def _special(who: Caller) -> bool:
    return bool(who.get("templateRef") or who.get("inline"))


def key_of(who: Caller, home: str) -> str:
    """The name of a template in `status.storedTemplates`; "" for the workflow's own."""
    if reference := who.get("templateRef"):
        return f"{references.home_of(reference)}/{reference.get('template') or ''}"
    if not home or home.startswith("local/"):
        return ""
    if who.get("inline"):
        return f"{home}/inline/{who.get('name') or ''}"
    return f"{home}/{who.get('template') or ''}"


class Shelf:
    """Templates as they stand: the workflow's own, and those of WorkflowTemplates."""

    def __init__(self, spec: Mapping[str, Any], library: references.Library) -> None:
        self._library = library
        self._own = spec
        self._names: dict[str, dict[str, Template]] = {}

    def take(self, who: Caller, home: str) -> Template:
        """Raises Unknown."""
        if who.get("inline"):
            inline: Template = who["inline"]
            return inline
        reference = who.get("templateRef")
        if reference:
            return self._referred(reference)
        name = who.get("template") or ""
        found = self._by_name(home).get(name)
        if found is None:
            raise Unknown(f"template {name} not found")
        return found

    def _referred(self, reference: Mapping[str, Any]) -> Template:
        name, wanted = reference.get("name") or "", reference.get("template") or ""
        home = references.home_of(reference)
        if home not in self._library:
            raise Unknown(f"workflow template {name} not found")
        found = self._by_name(home).get(wanted)
        if found is None:
            raise Unknown(f"template {wanted} not found in workflow template {name}")
        return found

    def names(self, home: str) -> list[str]:
        return list(self._by_name(home))

    def _by_name(self, home: str) -> dict[str, Template]:
        names = self._names.get(home)
        if names is None:
            own = not home or home.startswith("local/")
            spec = self._own if own else self._library.get(home) or {}
            about = {} if own else spec.get("podMetadata") or {}
            listed = spec.get("templates") or ()
            names = {each.get("name") or "": _labelled(each, about) for each in listed}
            self._names[home] = names
        return names


def _labelled(template: Template, about: Mapping[str, Any]) -> Template:
    """The template with the podMetadata of its WorkflowTemplate."""
    if not about:
        return template
    own = template.get("metadata") or {}
    joined = {
        field: {**(about.get(field) or {}), **(own.get(field) or {})}
        for field in ("labels", "annotations")
    }
    return {**template, "metadata": {**own, **{k: v for k, v in joined.items() if v}}}
