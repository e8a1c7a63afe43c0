"""What is wrong with a manifest of one of the kinds that people write: `problems`.

The controller asks before it begins a workflow and ends it as `invalid spec: …`; `lint` asks for
whoever writes one; admission asks so that it can warn. Upstream stops at the first fault and says
only that; here each template tells its own.
Upstream: argo-workflows workflow/validate/validate.go Workflow, WorkflowTemplate, CronWorkflow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sampan.kinds.workflows.resolve import join, references
from sampan.kinds.workflows.resolve.references import Library
from sampan.kinds.workflows.validate import named, schedules, shape, steps, templates
from sampan.kinds.workflows.validate.check import Check
from sampan.kinds.workflows.validate.named import Wrong
from sampan.kube.errors import Problem
from sampan.kube.keys import Manifest

_LONGEST = {"CronWorkflow": 52}
_POD_GCS = (
    "", "OnPodCompletion", "OnPodSuccess", "OnWorkflowCompletion", "OnWorkflowSuccess",
)  # fmt: skip
_SHARED = (
    "workflow.name", "workflow.namespace", "workflow.mainEntrypoint", "workflow.serviceAccountName",
    "workflow.uid", "workflow.status", "workflow.annotations", "workflow.annotations.json",
    "workflow.labels", "workflow.labels.json",
)  # fmt: skip

Spec = Mapping[str, Any]


def problems(
    manifest: Manifest, library: Library | None, *, lint: bool = False, whole: Spec | None = None
) -> list[Problem]:
    """What is wrong with it, each once, as upstream says it (`Problem.message`).

    library: the specs of the WorkflowTemplates that it leads to, by home (resolve.references);
    None leaves references alone. lint: values of arguments may come later. whole: its spec with
    that of its WorkflowTemplate and the defaults, if somebody has joined them already.
    """
    found: dict[str, Problem] = {}
    for field, wrong in _faults(manifest, library, lint, whole):
        found.setdefault(wrong.core, Problem(field, "FieldValueInvalid", str(wrong)))
    return list(found.values())


def _faults(
    manifest: Manifest, library: Library | None, lint: bool, whole: Spec | None
) -> Iterator[tuple[str, Wrong]]:
    kind, name = manifest.get("kind") or "Workflow", manifest["metadata"].get("name") or ""
    spec = manifest.get("spec") or {}
    if len(name) > (limit := _LONGEST.get(kind, 63)):
        said = f'"{name}" must not be more than {limit} characters long (currently {len(name)})'
        yield "metadata.name", Wrong(f"{_called(kind)} name {said}")
    elif kind == "WorkflowEventBinding":
        given = (spec.get("submit") or {}).get("arguments")
        yield from _tried("spec.submit", lambda: named.arguments(given, "arguments.", empty=True))
    elif kind == "CronWorkflow":
        yield from _tried("spec", lambda: schedules.check(spec))
        inner = spec.get("workflowSpec") or {}
        for field, wrong in _referring(inner, library) or _workflow(
            manifest, _whole(inner, library), library
        ):
            yield field, Wrong(f"cannot validate Workflow: {wrong}", wrong.core)
    else:
        template = kind != "Workflow"
        spec = _whole(spec, library) if whole is None else whole
        own = manifest.get("spec") or {}
        yield from _referring(own, library) or _workflow(
            manifest, spec, library, empty=lint or template, template=template
        )


def _referring(own: Spec, library: Library | None) -> list[tuple[str, Wrong]]:
    """What is wrong with a reference for the whole spec, or with what stands beside it."""
    reference = own.get("workflowTemplateRef")
    if not reference:
        return []
    if not own.get("templates"):
        home = references.home_of(reference)
        gone = library is not None and home not in library
        return [("spec.workflowTemplateRef", Wrong(references.absent(home)))] if gone else []
    said = "Templates is invalid field in spec if workflow referred WorkflowTemplate reference"
    return [("spec.templates", Wrong(said))]


def _called(kind: str) -> str:
    """`ClusterWorkflowTemplate` -> `cluster workflow template`."""
    return "".join(f" {c.lower()}" if c.isupper() else c for c in kind).strip()


def _tried(field: str, work: Callable[[], object]) -> Iterator[tuple[str, Wrong]]:
    try:
        work()
    except Wrong as wrong:
        yield field, wrong


def _workflow(
    manifest: Manifest,
    spec: Spec | None,
    library: Library | None,
    *,
    empty: bool = False,
    template: bool = False,
) -> Iterator[tuple[str, Wrong]]:
    """spec: None if it cannot be known yet."""
    if spec is None:
        return
    faults = list(_outline(spec, empty=empty))
    yield from faults
    if not faults:
        shared = _shared(manifest, spec)
        check = Check(spec, library, shared, lenient=template, template=templates.check)
        yield from _entries(check, spec, template=template)
        yield from _each(check, spec)


def _whole(own: Spec, library: Library | None) -> Spec | None:
    """The spec with that of its WorkflowTemplate; None if that cannot be looked at."""
    reference = own.get("workflowTemplateRef")
    if not reference:
        return own
    if library is None or (home := references.home_of(reference)) not in library:
        return None
    return join.joined(own, library[home])


def _outline(spec: Spec, *, empty: bool) -> Iterator[tuple[str, Wrong]]:
    """What is wrong with a spec apart from its templates."""

    def tried(field: str, work: Callable[[], object]) -> Iterator[tuple[str, Wrong]]:
        return _tried(f"spec.{field}", work)

    for problem in shape.problems(spec, "spec"):
        yield problem.field, Wrong(str(problem))
    listed, given = spec.get("templates") or (), spec.get("arguments")
    yield from tried("templates", lambda: named.unique(listed, "spec.templates"))
    yield from tried("arguments", lambda: named.arguments(given, "spec.arguments.", empty=empty))


def _shared(manifest: Manifest, spec: Spec) -> set[str]:
    """The tags that may stand anywhere."""
    found = set(_SHARED)
    parameters = (spec.get("arguments") or {}).get("parameters") or ()
    if parameters:
        found |= {"workflow.parameters", "workflow.parameters.json"}
        found |= {f"workflow.parameters.{each['name']}" for each in parameters}
    about, own = spec.get("workflowMetadata") or {}, manifest["metadata"]
    for field in ("labels", "annotations"):
        for pairs in (own.get(field), about.get(field)):
            found |= {f"workflow.{field}.{key}" for key in pairs or ()}
    found |= {f"workflow.labels.{key}" for key in about.get("labelsFrom") or ()}
    if spec.get("priority") is not None:
        found.add("workflow.priority")
    return found


def _entries(check: Check, spec: Spec, *, template: bool) -> Iterator[tuple[str, Wrong]]:
    """Where a workflow begins and ends."""
    entry, given = spec.get("entrypoint") or "", spec.get("arguments") or {}
    if not entry and not template:
        yield "spec.entrypoint", Wrong("spec.entrypoint is required")
    elif entry:
        who = {"template": entry}
        yield from _tried(
            "spec.entrypoint", lambda: check.holder(who, "", None if template else given)
        )
    if last := spec.get("onExit"):
        check.shared.add("workflow.failures")
        outputs = [t.get("outputs") or {} for t in spec.get("templates") or ()]
        exported = [a.get("globalName") or "" for o in outputs for a in o.get("artifacts") or ()]
        if any(map(named.is_tag, exported)):
            check.shared.add("workflow.outputs.artifacts.*")
        yield from _tried("spec.onExit", lambda: check.holder({"template": last}, "", given))
    yield from _tried("spec.hooks", lambda: steps.hooks(spec.get("hooks"), "hooks"))
    strategy = (spec.get("podGC") or {}).get("strategy") or ""
    if strategy not in _POD_GCS:
        yield "spec.podGC.strategy", Wrong(f"podGC.strategy unknown strategy '{strategy}'")
    yield from _tried(
        "spec.podResources",
        lambda: templates.pod_resources(spec.get("podResources"), "spec.podResources"),
    )


def _each(check: Check, spec: Spec) -> Iterator[tuple[str, Wrong]]:
    for index, each in enumerate(spec.get("templates") or ()):
        try:
            check.holder({"template": each["name"]}, "", None)
        except Wrong as wrong:
            yield f"spec.templates[{index}]", wrong.within(f"templates.{each['name']}")
