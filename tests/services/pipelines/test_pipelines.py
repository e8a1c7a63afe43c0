"""Pipelines and their versions; the cases are those of upstream's API tests."""

import io
import tarfile
import zipfile

import orjson
import pytest

from sampan.lib import yaml
from services.pipelines.makers import PLATFORM, SPEC, TEXT


def zipped(**files):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name.replace("_", "."), data)
    return held.getvalue()


def tarred(**files):
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w:gz") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name.replace("_", "."))
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return held.getvalue()


@pytest.mark.parametrize(
    ("file", "data"),
    [
        pytest.param("p.yaml", TEXT, id="yaml"),
        pytest.param("p.json", orjson.dumps(SPEC), id="json"),
        pytest.param("p.zip", zipped(other_yaml=b"x: 1", pipeline_yaml=TEXT), id="zip"),
        pytest.param("p.zip", zipped(first_yaml=TEXT, b_yaml=b"x"), id="zip-first"),
        pytest.param("p.tar.gz", tarred(a_txt=b"x", pipeline_yaml=TEXT), id="tar"),
        pytest.param("p.tgz", tarred(hello_yaml=TEXT), id="tar-first"),
    ],
)
def test_an_upload_makes_a_pipeline_with_its_first_version(serve, file, data):
    async def scenario(api):
        made = await api.upload(file, data, "name=Hello%20World&description=greets")
        assert made.code == 200, made.body
        body = made.body
        assert (body["name"], body["display_name"]) == ("Hello World", "Hello World")
        assert (body["description"], body["namespace"]) == ("greets", "a")
        listed = await api.get(f"pipelines/{body['pipeline_id']}/versions")
        (version,) = listed.body["pipeline_versions"]
        assert version["pipeline_spec"] == SPEC
        assert (version["name"], listed.body["total_size"]) == ("Hello World", 1)

    serve(scenario)


@pytest.mark.parametrize(
    ("file", "data", "said"),
    [
        pytest.param("p.yaml", b"", "unknown template format", id="empty"),
        pytest.param("p.yaml", b"a: [", "yaml", id="no-yaml"),
        pytest.param("p.txt", TEXT, "Unexpected pipeline file format", id="other-ending"),
        pytest.param("p.zip", zipped(), "Empty zip", id="empty-zip"),
        pytest.param("p.zip", b"PK\x03\x04nonsense", "Not a valid zip", id="broken-zip"),
        pytest.param("p.zip", zipped(a_foo=b"x"), "Expecting a pipeline.yaml", id="zip-other"),
        pytest.param("p.zip", zipped(pipeline_yaml=b"#" * (33 << 20)), "too large", id="zip-bomb"),
        pytest.param("p.tgz", tarred(), "it is empty", id="empty-tar"),
        pytest.param("p.tgz", tarred(a_foo=b"x"), "Expecting a pipeline.yaml", id="tar-other"),
        pytest.param("p.tgz", tarred(a_yaml=b"#" * (33 << 20)), "too large", id="tar-bomb"),
        pytest.param("p.tgz", b"\x1f\x8b" + b"x" * 50, "Not a valid tarball", id="broken-tar"),
        pytest.param("p.tgz", tarred(a_yaml=TEXT)[:60], "Not a valid tarball", id="cut-tar"),
    ],
)
def test_a_package_that_holds_no_pipeline_is_refused(serve, file, data, said):
    async def scenario(api):
        made = await api.upload(file, data, "name=p")
        assert made.code == 400
        assert said in made.body["error_message"]
        assert (await api.get("pipelines")).body == {}

    serve(scenario)


def test_a_name_is_taken_once(serve):
    async def scenario(api):
        assert (await api.upload("p.yaml", TEXT, "name=p")).code == 200
        again = await api.upload("p.yaml", TEXT, "name=p")
        assert (again.code, "already exists" in again.body["error_message"]) == (409, True)
        assert (await api.upload("p.yaml", TEXT, "name=P")).code == 200
        assert (await api.upload("p.yaml", TEXT, "name=p&namespace=b")).code == 200
        made = await api.post("pipelines", {"name": "p"})
        assert (made.code, made.body["code"]) == (409, 6)

    serve(scenario)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("name=" + "n" * 129, "Pipeline.Name length cannot exceed 128"),
        ("name=p&tags=nonsense", "Failed to parse tags query parameter"),
        ('name=p&tags={"a.b":"c"}', "must not contain '.'"),
        ('name=p&tags={"a":1}', "tags['a']: expected a string"),
    ],
)
def test_what_an_upload_is_called_is_checked(serve, query, said):
    async def scenario(api):
        made = await api.upload("p.yaml", TEXT, query)
        assert (made.code, said in made.body["error_message"]) == (400, True), made.body

    serve(scenario)


def test_versions_are_added_changed_and_deleted(serve):
    async def scenario(api):
        id = (await api.upload("p.yaml", TEXT, "name=p")).body["pipeline_id"]
        spec = {"pipeline_spec": SPEC, "platform_spec": PLATFORM}
        both = TEXT + b"---\n" + yaml.dump(PLATFORM).encode()
        added = await api.upload("v.yaml", both, f"name=v2&pipelineid={id}", version=True)
        assert (added.code, added.body["pipeline_id"]) == (200, id)
        assert added.body["pipeline_spec"] == spec
        same = await api.upload("v.yaml", TEXT, f"name=v2&pipelineid={id}", version=True)
        assert same.code == 409
        one = f"pipelines/{id}/versions/{added.body['pipeline_version_id']}"
        changed = await api.patch(one, {"display_name": "Two", "tags": {"a": "b"}})
        assert (changed.body["display_name"], changed.body["tags"]) == ("Two", {"a": "b"})
        cleared = await api.patch(one, {"tags": {}})
        assert "tags" not in cleared.body
        assert (await api.delete(f"pipelines/{id}")).code == 400
        assert (await api.delete(one)).body == {}
        assert (await api.get(one)).code == 404
        assert (await api.delete(f"pipelines/{id}?cascade=true")).body == {}
        assert (await api.get(f"pipelines/{id}")).code == 404
        assert (await api.upload("p.yaml", TEXT, "name=p")).code == 200

    serve(scenario)


def test_both_are_created_in_one_request(serve):
    async def scenario(api):
        body = {"pipeline": {"display_name": "One"}, "pipeline_version": {"pipeline_spec": SPEC}}
        made = await api.post("pipelines/create", body)
        assert made.body["display_name"] == "One"
        told = {"name": "v2", "display_name": "Two", "description": "of both"}
        two = await api.post("pipelines/create", {**body, "pipeline": told})
        (version,) = (await api.get(f"pipelines/{two.body['pipeline_id']}/versions")).body[
            "pipeline_versions"
        ]
        assert version.items() >= told.items()
        broken = {**body, "pipeline": {"name": "three"}}
        broken["pipeline_version"] = {"pipeline_spec": {**SPEC, "schemaVersion": "3"}}
        refused = await api.post("pipelines/create", broken)
        assert (refused.code, "schema version" in refused.body["message"]) == (400, True)
        found = await api.get("pipelines/names/One")
        assert found.body == made.body
        assert (await api.get("pipelines/names/three")).code == 404

    serve(scenario)


def test_a_version_keeps_where_its_package_is_said_to_come_from(serve):
    async def scenario(api):
        id = (await api.upload("p.yaml", TEXT, "name=p")).body["pipeline_id"]
        place = {"package_url": {"pipeline_url": "https://example.com/p.yaml"}}
        body = {"name": "v2", "pipeline_spec": SPEC, **place}
        made = (await api.post(f"pipelines/{id}/versions", body)).body
        assert made["package_url"] == place["package_url"]
        alone = await api.post(f"pipelines/{id}/versions", {"name": "v3", **place})
        assert (alone.code, "package_url" in alone.body["message"]) == (400, True)

    serve(scenario)


def test_lists_are_sorted_filtered_and_cut_into_pages(serve):
    async def scenario(api):
        for name in ("c", "a", "b", "ab"):
            given = {"name": name, "tags": {"kind": "one" if len(name) == 1 else "two"}}
            assert (await api.post("pipelines", given)).code == 200

        async def names(query):
            found = await api.get(f"pipelines?{query}")
            assert found.code == 200, found.body
            return [each["name"] for each in found.body.get("pipelines", ())], found.body

        assert (await names("sort_by=name"))[0] == ["a", "ab", "b", "c"]
        first, body = await names("sort_by=name%20desc&page_size=3")
        assert (first, body["total_size"]) == (["c", "b", "ab"], 4)
        rest, body = await names(f"page_token={body['next_page_token']}")
        assert (rest, "next_page_token" in body) == (["a"], False)
        one = '{"predicates":[{"operation":1,"key":"name","stringValue":"ab"}]}'
        assert (await names(f"filter={one}"))[0] == ["ab"]
        some = '{"predicates":[{"operation":"IS_SUBSTRING","key":"name","string_value":"B"}]}'
        assert (await names(f"filter={some}&sort_by=name"))[0] == ["ab", "b"]
        tagged = '{"predicates":[{"operation":"EQUALS","key":"tags.kind","string_value":"two"}]}'
        assert (await names(f"filter={tagged}"))[0] == ["ab"]

    serve(scenario)


def test_who_may_not_create_is_refused(serve):
    async def scenario(api):
        assert (await api.upload("p.yaml", TEXT, "name=p", token="reader")).code == 403
        assert (await api.get("pipelines", token="nobody")).code == 401
        assert (await api.get("pipelines", token="")).code == 401
        assert (await api.get("pipelines?namespace=b", token="reader")).code == 403
        assert (await api.get("healthz", token="")).body["multi_user"] is False

    serve(scenario)
