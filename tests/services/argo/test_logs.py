"""Logs of a workflow's pods, merged by their times."""

import asyncio

import pytest

from sampan.kube import names
from sampan.kube.keys import Key

LOG = "/argo/api/v1/workflows/a/w/log"


class Node:
    """Says for each pod the lines that the test gave it."""

    def __init__(self, said):
        self.said = said
        self.asked = []

    async def logs(self, pod, options):
        self.asked.append(options)
        said = self.said[pod["metadata"]["name"]]

        async def chunks():
            for second, text in said:
                yield f"2026-01-01T00:00:{second:02}.000000001Z {text}\n".encode()

        return chunks()


async def pod(argo, name, second=0, phase="Succeeded"):
    made = {
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "a", "labels": {names.LABEL_WORKFLOW: "w"}},
        "spec": {"containers": [{"name": "wait", "image": "x"}, {"name": "main", "image": "x"}]},
    }  # fmt: skip
    await argo.cluster.create(made, manager="test")
    status = {"phase": phase, "startTime": f"2026-01-01T00:00:{second:02}Z"}
    await argo.cluster.patch(
        Key(names.POD, "a", name), {"status": status}, type="merge", subresource="status",
        manager="test", force=True,
    )  # fmt: skip


def shown(answer):
    return [(each["result"]["podName"], each["result"]["content"]) for each in answer.lines]


def test_lines_of_several_pods_come_in_the_order_of_their_times(serve):
    async def scenario(argo):
        node = Node({"x": [(1, "a"), (3, "c")], "y": [(2, "b b"), (9, "d")], "z": []})
        argo.api.attach(node)
        await argo.submit("w")
        for name in ("x", "y", "z"):
            await pod(argo, name)
        answer = await argo.get(LOG)
        assert shown(answer) == [("x", "a"), ("y", "b b"), ("x", "c"), ("y", "d")]
        assert {options.container for options in node.asked} == {"main"}

    serve(scenario)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("grep=%5Ea", ["ab"], id="pattern"),
        pytest.param("podName=y", ["zz"], id="pod"),
        pytest.param("selector=none%3Dsuch", [], id="selector"),
        pytest.param("logOptions.timestamps=true&podName=y", ["2026-01-01T00:00:02.000000001Z zz"],
                     id="times"),
    ],
)  # fmt: skip
def test_lines_are_chosen(serve, query, expected):
    async def scenario(argo):
        argo.api.attach(Node({"x": [(1, "ab"), (1, "b")], "y": [(2, "zz")]}))
        await argo.submit("w")
        for name in ("x", "y"):
            await pod(argo, name)
        answer = await argo.get(f"{LOG}?{query}")
        assert [text for _, text in shown(answer)] == expected

    serve(scenario)


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("grep=%28", id="no-pattern"),
        pytest.param("logOptions.sinceTime.seconds=99999999999999", id="no-time"),
    ],
)
def test_what_cannot_be_meant_is_refused(serve, query):
    async def scenario(argo):
        await argo.submit("w")
        assert (await argo.get(f"{LOG}?{query}")).code == 400

    serve(scenario)


def test_a_pattern_that_would_run_away_does_not(serve):
    async def scenario(argo):
        argo.api.attach(Node({"x": [(1, "a" * 60)]}))
        await argo.submit("w")
        await pod(argo, "x")
        assert (await argo.get(f"{LOG}?grep=%28a%2B%29%2B%24b")).lines == []

    serve(scenario)


def test_following_ends_with_the_workflow(serve):
    async def scenario(argo):
        argo.api.attach(Node({"x": [(1, "a")], "late": [(2, "b")]}))
        await argo.submit("w", {"phase": "Running"})
        await pod(argo, "x")
        path, pieces = f"{LOG}?logOptions.follow=true", asyncio.Queue()
        following = asyncio.ensure_future(argo.get(path, pieces=pieces))
        await pieces.get()
        await pod(argo, "late", 1)
        await argo.told("w", {"phase": "Succeeded"})
        assert sorted(shown(await following)) == [("late", "b"), ("x", "a")]

    serve(scenario)


def test_one_pod_has_a_path_of_its_own(serve):
    async def scenario(argo):
        argo.api.attach(Node({"x": [(1, "a")], "y": [(1, "b")]}))
        await argo.submit("w")
        for name in ("x", "y"):
            await pod(argo, name)
        answer = await argo.get("/argo/api/v1/workflows/a/w/y/log")
        assert shown(answer) == [("y", "b")]

    serve(scenario)
