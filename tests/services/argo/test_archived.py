"""The archive over REST, and lists that go on into it."""

import pytest

from records.makers import workflow
from sampan.records.archive import Archive
from sampan.records.errors import ArchiveFailed
from services.argo.makers import SPEC

ARCHIVED = "/argo/api/v1/archived-workflows"


def kept(number, **more):
    found = workflow(number, labels={"even": str(number % 2 == 0).lower()}, **more)
    found["spec"] = SPEC
    return found


@pytest.fixture
def filled(serve, tmp_path):
    """Run a scenario with six archived workflows; w0 to w5, of which b has w5."""

    def run(scenario):
        archive = Archive.at(tmp_path / "records" / "workflows.db")

        async def prepared(argo):
            await archive.put([kept(n, namespace="ab"[n == 5]) for n in range(6)])
            try:
                await scenario(argo)
            finally:
                await archive.close()

        serve(prepared, archive=archive)

    return run


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("", ["w5", "w4", "w3", "w2", "w1", "w0"], id="all"),
        pytest.param("namespace=b", ["w5"], id="namespace"),
        pytest.param("namespace=a&listOptions.limit=2&listOptions.continue=1", ["w3", "w2"],
                     id="page"),
        pytest.param("listOptions.labelSelector=even%3Dtrue", ["w4", "w2", "w0"], id="labels"),
        pytest.param("namePrefix=w1", ["w1"], id="prefix"),
    ],
)  # fmt: skip
def test_lists(filled, query, expected):
    async def scenario(argo):
        assert (await argo.get(f"{ARCHIVED}?{query}")).names == expected

    filled(scenario)


def test_pages_of_the_archive_say_what_remains(filled):
    async def scenario(argo):
        wanted = "listOptions.fieldSelector=ext.showRemainingItemCount=true&listOptions.limit=4"
        assert (await argo.get(f"{ARCHIVED}?{wanted}")).body["metadata"] == {
            "continue": "4",
            "remainingItemCount": 2,
        }
        last = await argo.get(f"{ARCHIVED}?{wanted}&listOptions.continue=4")
        assert last.body["metadata"] == {"remainingItemCount": 0}

    filled(scenario)


def test_a_list_of_workflows_goes_on_into_the_archive(filled):
    async def scenario(argo):
        await argo.submit("here", {"phase": "Running", "startedAt": "2026-02-01T00:00:00Z"})
        at = "/argo/api/v1/workflows/a"
        assert set((await argo.get(at)).names) == {"here", "w0", "w1", "w2", "w3", "w4"}
        pages, after = [], "0"
        while after:
            query = f"listOptions.limit=2&listOptions.continue={after}"
            answer = await argo.get(f"{at}?{query}")
            pages.append(answer.names)
            after = answer.body["metadata"].get("continue")
        assert pages == [["here", "w4"], ["w3", "w2"], ["w1", "w0"]]

    filled(scenario)


def test_get_falls_back_to_the_archive(filled):
    async def scenario(argo):
        found = (await argo.get("/argo/api/v1/workflows/a/w3")).body
        assert found["metadata"]["uid"] == "uid-3"
        assert found["status"]["nodes"]
        for path in ("a/none", "b/w3", "a/none?uid=uid-3", "b/w5?uid=uid-3"):
            assert (await argo.get(f"/argo/api/v1/workflows/{path}")).code == 404, path

    filled(scenario)


def test_rights_are_those_on_workflows(filled):
    async def scenario(argo):
        asks = {"token": "reader"}
        assert (await argo.get(f"{ARCHIVED}/uid-1", **asks)).code == 200
        assert (await argo.get(f"{ARCHIVED}?namespace=a", **asks)).code == 200
        for method, path in (
            ("GET", ""),
            ("GET", "?namespace=b"),
            ("GET", "?listOptions.fieldSelector=metadata.namespace!=b"),
            ("GET", "/uid-5"),
            ("DELETE", "/uid-1"),
            ("PUT", "/uid-1/resubmit"),
            ("PUT", "/uid-1/retry"),
            ("GET", "-label-keys"),
        ):
            answer = await argo(method, ARCHIVED + path, {}, **asks)
            assert answer.code == 403, (method, path)

    filled(scenario)


def test_delete_and_labels(filled):
    async def scenario(argo):
        assert (await argo("DELETE", f"{ARCHIVED}/uid-1")).body == {}
        assert (await argo.get(f"{ARCHIVED}/uid-1")).code == 404
        assert (await argo("DELETE", f"{ARCHIVED}/uid-1")).code == 404
        assert "even" in (await argo.get(f"{ARCHIVED}-label-keys?namespace=a")).body["items"]
        values = f"{ARCHIVED}-label-values?listOptions.labelSelector="
        assert (await argo.get(f"{values}even")).body["items"] == ["false", "true"]
        for bad in ("", "a,b", "a%3Db"):
            assert (await argo.get(values + bad)).code == 400

    filled(scenario)


def test_an_archived_workflow_is_run_again(filled):
    async def scenario(argo):
        again = (await argo.put(f"{ARCHIVED}/uid-1/resubmit")).body
        assert again["metadata"]["name"].startswith("w1-")
        refused = await argo.put(f"{ARCHIVED}/uid-1/retry")
        assert refused.code == 400  # it has succeeded
        await argo.submit("w2")
        there = await argo.put(f"{ARCHIVED}/uid-2/retry")
        assert (there.code, there.body["code"]) == (409, 6)

    filled(scenario)


def test_without_an_archive_there_is_nothing(serve):
    async def scenario(argo):
        assert (await argo.get(ARCHIVED)).body["items"] == []
        assert (await argo.get(f"{ARCHIVED}/x")).code == 404
        assert (await argo.get(f"{ARCHIVED}-label-keys")).body == {"items": []}

    serve(scenario)


def test_a_database_that_is_away_is_told_as_such(serve, tmp_path):
    class Away:
        async def uids(self, wanted):
            raise ArchiveFailed("the archive of workflows failed: it is away")

    async def scenario(argo):
        answer = await argo.get(ARCHIVED)
        assert (answer.code, answer.body["code"]) == (503, 14)
        assert "it is away" in answer.body["message"]

    serve(scenario, archive=Away())
