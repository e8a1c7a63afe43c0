"""Stores that a namespace has configured. Cases after kubeflow/pipelines backend/src/v2/config."""

from __future__ import annotations

from typing import Any

import pytest

from sampan.artifacts.providers import BadProviders, stores
from sampan.kube import locations

SECRET = "secretRef: {secretName: s, accessKeyKey: a, secretKeyKey: k}"


def where(providers: str, uri: str) -> dict[str, Any]:
    return dict(stores({"providers": providers}).location(uri))


@pytest.mark.parametrize(
    "providers",
    [
        pytest.param("", id="nothing"),
        pytest.param("nomatch: {}", id="other"),
        pytest.param("minio: {}\ns3:\ngs: {}", id="empty"),
        pytest.param("s3: {default: null}", id="null"),
    ],
)
@pytest.mark.parametrize("uri", ["minio://b/k", "s3://b/k", "gs://b/k"])
def test_what_nobody_has_configured_is_local(providers: str, uri: str) -> None:
    found = where(providers, uri)
    assert locations.is_local(found)
    assert (found["s3"]["bucket"], found["s3"]["key"]) == ("b", "k")
    assert found["archive"] == {"none": {}}


def test_a_default_with_a_secret() -> None:
    text = f"""
    minio:
      default:
        endpoint: minio.example:9000
        region: here
        disableSSL: true
        maxRetries: 3
        credentials: {{fromEnv: false, {SECRET}}}
    """
    assert where(text, "minio://b/a/k")["s3"] == {
        "endpoint": "minio.example:9000",
        "bucket": "b",
        "key": "a/k",
        "insecure": True,
        "region": "here",
        "accessKeySecret": {"name": "s", "key": "a"},
        "secretKeySecret": {"name": "s", "key": "k"},
    }


@pytest.mark.parametrize("spelled", ["overrides", "Overrides"])
def test_the_first_override_that_fits_counts(spelled: str) -> None:
    text = f"""
    s3:
      default: {{endpoint: s3.amazonaws.com, region: r, credentials: {{fromEnv: true}}}}
      {spelled}:
      - {{bucketName: b, keyPrefix: a, region: first, credentials: {{{SECRET}}}}}
      - {{bucketName: b, keyPrefix: a/b, region: second, credentials: {{fromEnv: true}}}}
    """
    assert where(text, "s3://b/a/b/k")["s3"]["region"] == "first"
    assert where(text, "s3://b/a/b/k")["s3"]["accessKeySecret"] == {"name": "s", "key": "a"}
    assert where(text, "s3://b/z")["s3"]["useSDKCreds"] is True
    assert where(text, "s3://b/z")["s3"]["endpoint"] == "s3.amazonaws.com"


@pytest.mark.parametrize(
    ("endpoint", "insecure"), [("http://h:1", True), ("https://h:1", False), ("h:1", False)]
)
def test_an_endpoint_may_say_how_it_is_reached(endpoint: str, insecure: bool) -> None:
    text = f"s3: {{default: {{endpoint: '{endpoint}', credentials: {{fromEnv: true}}}}}}"
    found = where(text, "s3://b/k")["s3"]
    assert (found["endpoint"], found["insecure"]) == ("h:1", insecure)


def test_google_has_a_token() -> None:
    text = "gs: {default: {credentials: {secretRef: {secretName: s, tokenKey: t}}}}"
    assert where(text, "gs://b/k")["gcs"] == {
        "bucket": "b",
        "key": "k",
        "serviceAccountKeySecret": {"name": "s", "key": "t"},
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("s3: {overrides: []}", "missing default credentials", id="no-default"),
        pytest.param("s3: {default: {endpoint: e}}", "missing default credentials", id="none"),
        pytest.param("s3: {default: {credentials: {}}}", "missing secretref", id="no-secret"),
        pytest.param(
            "s3: {default: {credentials: {fromEnv: true}}, overrides: [{bucketName: b}]}",
            "missing override credentials",
            id="override-without",
        ),
        pytest.param("s3: [1]", "ensure that providers config is well formed", id="list"),
        pytest.param("[1, 2]", "ensure that providers config is well formed", id="all-a-list"),
        pytest.param("s3: {default: {disableSSL: 3}}", r"disableSSL", id="type"),
        pytest.param("{", "ensure that providers config is well formed", id="no-yaml"),
    ],
)
def test_nonsense_is_named(text: str, said: str) -> None:
    with pytest.raises(BadProviders, match=said):
        where(text, "s3://b/k")


def test_the_root_is_the_configured_one() -> None:
    assert stores({}).root == "minio://mlpipeline/v2/artifacts"
    assert stores({"defaultPipelineRoot": "s3://b/r"}).root == "s3://b/r"
