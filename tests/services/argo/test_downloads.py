"""Artifacts over REST, out of the local repository."""

import pytest

from sampan.artifacts import Artifacts
from sampan.kube.locations import LOCAL_ENDPOINT
from sampan.records.archive import Archive
from services.argo.makers import workflow

REPOSITORY = {"s3": {"endpoint": LOCAL_ENDPOINT, "bucket": "artifacts", "insecure": True}}
PAGE = b"<script>alert(1)</script>"


def listed(name, key):
    return {"name": name, "s3": {"key": key}}


STATUS = {
    "phase": "Succeeded",
    "artifactRepositoryRef": {"artifactRepository": REPOSITORY},
    "nodes": {
        "n": {
            "id": "n", "name": "w", "displayName": "w", "type": "Pod", "phase": "Succeeded",
            "inputs": {"artifacts": [{"name": "text", "raw": {"data": "given"}}]},
            "outputs": {"artifacts": [
                listed("page", "w/n/page.html"),
                listed("tree", "w/n/tree"),
                listed("lost", "w/n/lost"),
                {"name": "gone", "s3": {"key": "w/n/page.html"}, "deleted": True},
                {"name": "private", "s3": {"endpoint": "minio:9000", "bucket": "b", "key": "k",
                                           "accessKeySecret": {"name": "s", "key": "k"}}},
            ]},
        }
    },
}  # fmt: skip
AT = "/argo/artifacts/a/w/n"
FILES = "/argo/artifact-files/a/workflows/w/n/outputs"


@pytest.fixture
def filled(serve, tmp_path):
    """Run a scenario with a workflow whose node has made a page and a tree of files."""
    artifacts = Artifacts(tmp_path / "artifacts")

    def save(key, *files):
        source = tmp_path / f"made-{key.rpartition('/')[2]}"
        for name, data in files:
            path = source / name if name else source
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        place = {**REPOSITORY, "archive": {"none": {}}}
        place["s3"] = {**REPOSITORY["s3"], "key": key}
        artifacts.save(place, source, lambda *_: b"", namespace="a", consume=True)

    save("w/n/page.html", ("", PAGE))
    save("w/n/tree", ("one.txt", b"1"), ("below/two.txt", b"2"))

    def run(scenario):
        archive = Archive.at(tmp_path / "workflows.db")

        async def prepared(argo):
            made = await argo.submit("w", STATUS)
            kept = workflow("kept", status=STATUS)
            kept["metadata"] |= {"uid": "kept-uid", "labels": {}}
            await archive.put([kept | {"status": STATUS}])
            try:
                await scenario(argo)
            finally:
                await archive.close()
            assert made

        serve(prepared, archive=archive, artifacts=lambda: artifacts)

    return run


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param(f"{AT}/page", PAGE, id="output"),
        pytest.param("/argo/input-artifacts/a/w/n/text", b"given", id="input"),
        pytest.param("/argo/artifacts-by-uid/kept-uid/n/page", PAGE, id="by-uid"),
        pytest.param("/argo/input-artifacts-by-uid/kept-uid/n/text", b"given", id="input-by-uid"),
        pytest.param(f"{FILES}/page", PAGE, id="file"),
        pytest.param(f"{FILES}/tree/below/two.txt", b"2", id="file-in-a-directory"),
        pytest.param("/argo/artifact-files/a/archived-workflows/kept-uid/n/outputs/page", PAGE,
                     id="file-of-an-archived-one"),
    ],
)  # fmt: skip
def test_downloads(filled, path, expected):
    async def scenario(argo):
        answer = await argo.get(path)
        assert (answer.code, answer.raw) == (200, expected)
        assert answer.headers["content-length"] == str(len(expected))
        assert answer.headers["content-security-policy"].startswith("sandbox")
        assert answer.headers["x-content-type-options"] == "nosniff"
        head = await argo("HEAD", path)
        assert (head.code, head.raw) == (200, b"")

    filled(scenario)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        pytest.param(f"{AT}/none", 404, id="no-such-artifact"),
        pytest.param(f"{AT}/lost", 404, id="not-there"),
        pytest.param(f"{AT}/gone", 404, id="deleted"),
        pytest.param("/argo/artifacts/a/w/none/page", 404, id="no-such-node"),
        pytest.param("/argo/artifacts/a/none/n/page", 404, id="no-such-workflow"),
        pytest.param("/argo/artifacts-by-uid/none/n/page", 404, id="no-such-uid"),
        pytest.param(f"{FILES}/tree/none", 404, id="no-such-file"),
        pytest.param(f"{FILES}/tree/../page.html", 400, id="out-of-the-artifact"),
        pytest.param(f"{FILES}/tree/%2e%2e/page.html", 400, id="out-of-it-quoted"),
        pytest.param(f"{FILES}/tree/..%2fpage.html", 400, id="out-of-it-by-a-quoted-slash"),
        pytest.param("/argo/artifact-files/a/workflows/w/n/sideways/page", 400, id="direction"),
        pytest.param("/argo/artifact-files/a/others/w/n/outputs/page", 400, id="discriminator"),
        pytest.param("/argo/artifact-files/b/archived-workflows/kept-uid/n/outputs/page", 404,
                     id="another-namespace"),
        pytest.param("/argo/artifact-files/a/workflows", 404, id="half-a-path"),
    ],
)  # fmt: skip
def test_refusals(filled, path, code):
    async def scenario(argo):
        assert (await argo.get(path)).code == code

    filled(scenario)


def test_rights_are_those_on_the_workflow_and_on_the_secrets(filled):
    async def scenario(argo):
        assert (await argo.get(f"{AT}/page", token="")).code == 401
        assert (await argo.get(f"{AT}/page", token="reader")).code == 200
        refused = await argo.get(f"{AT}/private", token="reader")
        assert refused.code == 403
        assert "secrets" in refused.body["message"]

    filled(scenario)


def test_a_directory_has_a_page(filled):
    async def scenario(argo):
        moved = await argo.get(f"{FILES}/tree")
        assert (moved.code, moved.headers["location"]) == (307, f"{FILES}/tree/")
        page = await argo.get(f"{FILES}/tree/")
        assert page.code == 200
        assert b'href="one.txt"' in page.raw
        assert b'href="below/"' in page.raw

    filled(scenario)
