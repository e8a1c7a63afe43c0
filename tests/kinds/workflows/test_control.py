"""Whatever is combined: every workflow ends, and keeps its books.

Without limits of parallelism: as upstream, a daemon may take the last place for ever.
"""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kinds.toy import Toy
from kinds.workflows.makers import WORKFLOW, call, dag, leaf, status, steps, task, workflow
from sampan.kinds.workflows import COMPONENT, nodes
from sampan.kinds.workflows.operations import Refused, retry

RUNS = ["work", "tried", "serve", "wait"]
EXTRAS: list[dict[str, Any]] = [
    {},
    {"withItems": ["x", "y"]},
    {"withItems": [1, 2], "when": "{{item}} == 2"},
    {"withParam": "[]"},
    {"when": "a == b"},
    {"onExit": "work"},
    {"hooks": {"exit": {"template": "tried"}}},
    {"hooks": {"h": {"template": "work", "expression": "workflow.status == 'Running'"}}},
    {"withSequence": {"count": "2"}, "onExit": "work"},
]


def leaves() -> list[dict[str, Any]]:
    return [
        leaf(),
        leaf("tried", retryStrategy={"limit": 1}),
        leaf("serve", daemon=True),
        {"name": "wait", "suspend": {"duration": "5"}},
    ]


@st.composite
def trees(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Templates with everything in them that call one another; the last is the entry."""
    found, names = leaves(), list(RUNS)
    for level in range(draw(st.integers(1, 3))):
        children = [
            call(f"c{number}", draw(st.sampled_from(names))) | draw(st.sampled_from(EXTRAS))
            for number in range(draw(st.integers(1, 4)))
        ]
        fields = draw(
            st.sampled_from([{}, {}, {"failFast": True}, {"retryStrategy": {"limit": "1"}}])
        )
        name = f"t{level}"
        if draw(st.booleans()):
            for child in children:
                child |= draw(st.sampled_from([{}, {"continueOn": {"failed": True}}]))
            cut = draw(st.integers(0, len(children)))
            groups = [group for group in (children[:cut], children[cut:]) if group]
            found.append(steps(*groups, name=name, **fields))
        else:
            found.append(dag(*_graph(draw, children), name=name) | fields)
        names.append(name)
    return found


def _graph(draw: st.DrawFn, children: list[dict[str, Any]]) -> list[dict[str, Any]]:
    tasks = []
    how = draw(st.sampled_from(["", ".Failed", ".Succeeded", ".Skipped"]))
    for place, child in enumerate(children):
        before = [other["name"] for other in children[:place]]
        after = draw(st.lists(st.sampled_from(before), unique=True)) if before else []
        text = " || ".join(f"{each}{how}" for each in after) if how else " ".join(after)
        tasks.append(child | task(child["name"], text, child["template"]))
    return tasks


def play(toy: Toy, ends: list[str]) -> None:
    """Let pods end as the list says, over and over, and time go on when nothing else does."""
    script = iter(ends * 2000)

    def end(pod: dict[str, Any]) -> str | None:
        return None if pod["metadata"]["labels"].get("daemon") else next(script)

    for _ in range(400):
        if toy.step_pods(end):
            continue
        if not toy.waits or status(toy)["phase"] in nodes.COMPLETED:
            return
        toy.advance()


@settings(max_examples=80, deadline=None)
@given(
    trees(),
    st.sampled_from([{}, {"onExit": "work"}, {"activeDeadlineSeconds": 4}]),
    st.lists(st.sampled_from(["Succeeded", "Succeeded", "Failed"]), min_size=1, max_size=8),
    st.sampled_from([None, None, "Stop", "Terminate"]),
)
def test_every_workflow_ends(
    templates: list[dict[str, Any]], spec: dict[str, Any], ends: list[str], stop: str | None
) -> None:
    templates[2]["metadata"] = {"labels": {"daemon": "yes"}}
    toy = Toy(COMPONENT)
    toy.create(workflow(*templates, entrypoint=templates[-1]["name"], **spec))
    toy.settle()
    if stop:
        toy.step_pods(lambda pod: None, most=2)
        toy.patch(WORKFLOW, {"spec": {"shutdown": stop}})
        toy.settle()
    play(toy, ends)
    end = status(toy)
    assert end["phase"] in nodes.COMPLETED
    assert all(nodes.over(each) for each in end["nodes"].values())
    assert not any(each.get("daemoned") for each in end["nodes"].values())
    children = [c for each in end["nodes"].values() for c in each.get("children", [])]
    assert len(set(children)) <= len(end["nodes"])
    assert set(children) | {"wf"} == {
        id for id, each in end["nodes"].items() if not each["name"].startswith("wf.onExit")
    }
    _again(toy)


def _again(toy: Toy) -> None:
    """A workflow that failed can be retried, and then goes well."""
    manifest = toy.objects[WORKFLOW]
    if manifest["status"]["phase"] == "Succeeded":
        return
    try:
        found = retry(manifest, "2026-01-01T00:00:00Z")
    except Refused as refused:
        raise AssertionError(str(refused)) from refused
    assert found.patch["status"]["phase"] is None
