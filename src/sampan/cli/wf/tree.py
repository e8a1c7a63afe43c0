"""A workflow as text: what `get` shows, with the tree of its nodes. Pure.

    STEP            TEMPLATE  PODNAME         DURATION  MESSAGE
     ✔ steps-x      main
     ├───✔ one      say       steps-x-say-1   2s
     └─┬─✔ two      say       steps-x-say-2   1s
       └─✖ three    say       steps-x-say-3   1s        main: Error (exit code 1)

Steps that run side by side hang from one branch, as `argo get` draws them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sampan.kinds.workflows import naming
from sampan.kube.times import parse

Node = Mapping[str, Any]
Row = tuple[str, ...]

SYMBOLS = {
    "Pending": "◷", "Running": "●", "Succeeded": "✔", "Skipped": "○", "Omitted": "○",
    "Failed": "✖", "Error": "⚠",
}  # fmt: skip
_HOLDERS = {"Retry": "(", "TaskGroup": "(", "StepGroup": "."}
"""What follows the name of such a node in the names of those that it holds."""
_FACTS = (
    ("Status", "phase"), ("Message", "message"), ("Started", "startedAt"),
    ("Finished", "finishedAt"), ("Progress", "progress"),
)  # fmt: skip


def shown(workflow: Mapping[str, Any], now: datetime) -> str:
    """The whole text."""
    meta, status = workflow["metadata"], workflow.get("status") or {}
    rows: list[Row] = [
        ("Name:", meta.get("name") or ""),
        ("Namespace:", meta.get("namespace") or ""),
        ("ServiceAccount:", (workflow.get("spec") or {}).get("serviceAccountName") or "unset"),
        *((f"{name}:", str(status[field])) for name, field in _FACTS if status.get(field)),
        ("Duration:", duration(status, now)),
    ]
    text = columns(rows)
    for title, parameters in (
        ("Parameters:", (workflow.get("spec") or {}).get("arguments") or {}),
        ("Output Parameters:", status.get("outputs") or {}),
    ):
        listed = parameters.get("parameters") or ()
        if listed:
            pairs = [(f"  {each['name']}:", str(each.get("value", ""))) for each in listed]
            text += f"{title}\n{columns(pairs)}"
    if status.get("nodes"):
        text += "\n" + columns(nodes(workflow, now))
    return text


def nodes(workflow: Mapping[str, Any], now: datetime) -> list[Row]:
    """The head and a row for each node that people think of as one."""
    found: list[Row] = [("STEP", "TEMPLATE", "PODNAME", "DURATION", "MESSAGE")]
    tree = _Tree(workflow)
    for prefix, node in tree.lines():
        symbol = SYMBOLS.get(node.get("phase") or "", " ")
        name = f"{prefix}{symbol} {node.get('displayName') or node.get('name') or ''}"
        template = (node.get("templateRef") or {}).get("template") or node.get("templateName")
        pod = tree.pod(node) if node.get("type") == "Pod" else ""
        took = duration(node, now) if pod else ""
        found.append((name, template or "", pod, took, node.get("message") or ""))
    return found


class _Tree:
    """Which node hangs from which, by boundaries, groups and attempts."""

    def __init__(self, workflow: Mapping[str, Any]) -> None:
        self._name: str = workflow["metadata"]["name"]
        self._nodes: Mapping[str, Node] = workflow["status"]["nodes"]
        self._inside: dict[str, list[Node]] = {}
        held = self._held()
        for node in sorted(self._nodes.values(), key=_began):
            at = held.get(node["id"]) or node.get("boundaryID")
            if at:
                self._inside.setdefault(at, []).append(node)

    def _held(self) -> Mapping[str, str]:
        """What groups and retried nodes hold: their children of their own names. Other children
        are those that come after them."""
        found = {}
        for node in self._nodes.values():
            sign = _HOLDERS.get(node.get("type") or "")
            for child in node.get("children") or () if sign else ():
                name = self._nodes.get(child, {}).get("name") or ""
                if name.startswith(f"{node['name']}{sign}"):
                    found[child] = node["id"]
        return found

    def lines(self) -> Iterator[tuple[str, Node]]:
        for name in (self._name, naming.exit_name(self._name)):
            root = self._nodes.get(naming.node_id(self._name, name))
            if root is not None:
                yield " ", root
                yield from self._below(root, " ")

    def _below(self, node: Node, indent: str) -> Iterator[tuple[str, Node]]:
        branches = list(self._branches(node))
        for index, branch in enumerate(branches):
            last = index == len(branches) - 1
            yield from self._branch(branch, indent, last=last, steps=node.get("type") == "Steps")

    def _branch(
        self, branch: Sequence[Node], indent: str, *, last: bool, steps: bool
    ) -> Iterator[tuple[str, Node]]:
        """Nodes side by side; outside of steps there is one in each branch."""
        fork, beside = ("└─" if last else "├─"), indent + ("  " if last else "│ ")
        if not steps:
            yield indent + fork, branch[0]
            yield from self._below(branch[0], beside)
            return
        for index, node in enumerate(branch):
            end = index == len(branch) - 1
            if index == 0:
                yield indent + fork + ("──" if end else "┬─"), node
            else:
                yield beside + ("└─" if end else "├─"), node
            yield from self._below(node, beside + ("  " if end else "│ "))

    def _branches(self, node: Node) -> Iterator[Sequence[Node]]:
        for child in self._inside.get(node["id"], ()):
            if child.get("type") != "StepGroup":
                yield (child,)
            elif members := self._inside.get(child["id"]):
                yield members

    def pod(self, node: Node) -> str:
        template = (node.get("templateRef") or {}).get("template") or node.get("templateName")
        return naming.pod_name(self._name, template or "", node["name"])


def _began(node: Node) -> tuple[str, str]:
    return node.get("startedAt") or "~", node.get("name") or ""


def duration(about: Mapping[str, Any], now: datetime) -> str:
    """From the start to the end, or to now: `2s`, `3m`, `1h`, as kubectl tells ages."""
    if not about.get("startedAt"):
        return ""
    end = parse(about["finishedAt"]) if about.get("finishedAt") else now
    return age((end - parse(about["startedAt"])).total_seconds())


def age(seconds: float) -> str:
    whole = max(0, int(seconds))
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if whole >= size * (2 if unit == "d" else 1):
            return f"{whole // size}{unit}"
    return f"{whole}s"


def columns(rows: Sequence[Row]) -> str:
    """Rows aligned, without blanks at their ends."""
    widths: dict[int, int] = {}
    for row in rows:
        for index, cell in enumerate(row):
            widths[index] = max(widths.get(index, 0), len(cell))
    lines = (
        "  ".join(cell.ljust(widths[i]) for i, cell in enumerate(row)).rstrip() for row in rows
    )
    return "".join(f"{line}\n" for line in lines)
