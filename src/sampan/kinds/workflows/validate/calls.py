"""Steps and tasks: what can be wrong with the calls of templates by templates.

`shape` looks at one template alone, `problems` at all of them together: names that lead nowhere,
parameters that nobody gives, templates that call themselves (without a condition, and conditions
are not supported yet, that would never end).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sampan.kinds.workflows.language import arguments
from sampan.kinds.workflows.templates import depends
from sampan.kinds.workflows.validate import supported
from sampan.kube.errors import Problem, duplicate, forbidden, invalid, required

Template = Mapping[str, Any]
Child = Mapping[str, Any]


def children(template: Template, path: str = "") -> Iterator[tuple[str, Child]]:
    """The steps or tasks of a template, each with the path of its place."""
    for place, group in enumerate(template.get("steps") or ()):
        for index, step in enumerate(group):
            yield f"{path}.steps[{place}][{index}]", step
    for index, task in enumerate((template.get("dag") or {}).get("tasks") or ()):
        yield f"{path}.dag.tasks[{index}]", task


def shape(template: Template, path: str) -> Iterator[Problem]:
    """Faults of the steps or tasks of a template by themselves."""
    found = list(children(template, path))
    if not found:
        yield required(f"{path}.dag.tasks" if "dag" in template else f"{path}.steps")
    fields = supported.TASK if template.get("dag") is not None else supported.STEP
    seen: set[str] = set()
    for at, child in found:
        name = child.get("name") or ""
        if not name:
            yield required(f"{at}.name")
        elif name in seen:
            yield duplicate(f"{at}.name", name)
        seen.add(name)
        yield from supported.refused(child, fields, at)
        if not child.get("template"):
            yield required(f"{at}.template")
        given = child.get("arguments") or {}
        yield from supported.refused(given, supported.ARGUMENTS, f"{at}.arguments")
        for index, argument in enumerate(given.get("parameters") or ()):
            place = f"{at}.arguments.parameters[{index}]"
            yield from supported.refused(argument, supported.ARGUMENT, place)
    if template.get("dag") is not None:
        yield from _dag(template["dag"], f"{path}.dag")


def _dag(dag: Mapping[str, Any], path: str) -> Iterator[Problem]:
    yield from supported.refused(dag, supported.DAG, path)
    tasks = [task for task in dag.get("tasks") or () if task.get("name")]
    known = {task["name"] for task in tasks}
    waits_for: dict[str, list[str]] = {}
    for index, task in enumerate(tasks):
        at = f"{path}.tasks[{index}]"
        field = "depends" if task.get("depends") else "dependencies"
        if task.get("depends") and task.get("dependencies"):
            yield forbidden(f"{at}.dependencies", "may not be used together with depends")
        try:
            words = depends.words(depends.of(task))
            if words:
                depends.parse(depends.of(task))
        except depends.Mistake as mistake:
            yield invalid(f"{at}.{field}", depends.of(task), str(mistake))
            continue
        for word in words:
            if word not in known:
                yield invalid(f"{at}.{field}", word, f"task '{word}' is not defined")
        waits_for[task["name"]] = [word for word in words if word in known]
    if circle := _circle(waits_for):
        yield invalid(f"{path}.tasks", " -> ".join(circle), "tasks wait for each other")
    for target in str(dag.get("target") or "").split():
        if target not in known:
            yield invalid(f"{path}.target", target, f"task '{target}' is not defined")


def problems(spec: Mapping[str, Any]) -> Iterator[Problem]:
    """Faults between templates. Each template by itself is right."""
    templates = {template["name"]: template for template in spec["templates"]}
    entry = spec["entrypoint"]
    if entry not in templates:
        yield invalid("spec.entrypoint", entry, f"template '{entry}' is not defined")
    else:
        yield from _unsupplied(templates[entry], spec.get("arguments"), "spec.arguments")
    calls: dict[str, list[str]] = {}
    for index, template in enumerate(spec["templates"]):
        called = calls.setdefault(template["name"], [])
        for at, child in children(template, f"spec.templates[{index}]"):
            target = templates.get(child["template"])
            if target is None:
                fault = f"template '{child['template']}' is not defined"
                yield invalid(f"{at}.template", child["template"], fault)
                continue
            called.append(child["template"])
            yield from _unsupplied(target, child.get("arguments"), f"{at}.arguments")
    if circle := _circle(calls):
        yield invalid("spec.templates", " -> ".join(circle), "templates that call each other")


def _unsupplied(template: Template, given: Any, path: str) -> Iterator[Problem]:
    """Parameters of the called template that have neither an argument nor a default."""
    listed = (given or {}).get("parameters") or ()
    supplied = {each.get("name") for each in listed if _has_value(each)}
    for parameter in (template.get("inputs") or {}).get("parameters") or ():
        name = parameter["name"]
        if name not in supplied and not _has_value(parameter):
            fault = f"template '{template['name']}': inputs.parameters.{name} was not supplied"
            yield required(f"{path}.parameters", fault)


def _has_value(parameter: Mapping[str, Any]) -> bool:
    return arguments.default_of(parameter) is not None or parameter.get("valueFrom") is not None


def _circle(edges: Mapping[str, list[str]]) -> list[str]:
    """A way from a name back to itself; [] when there is none. Depth first, without recursion."""
    clear: set[str] = set()
    for root in edges:
        way, rest = [root], [iter(edges[root])]
        while way:
            following = next((each for each in rest[-1] if each not in clear), None)
            if following is None:
                clear.add(way.pop())
                rest.pop()
            elif following in way:
                return [*way[way.index(following) :], following]
            else:
                way.append(following)
                rest.append(iter(edges.get(following, ())))
    return []
