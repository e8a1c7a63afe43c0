"""Which Secrets the executor's containers see."""

from __future__ import annotations

from sampan.kinds.workflows.pods import secrets


def selector(name: str, key: str) -> dict[str, str]:
    return {"name": name, "key": key}


def test_each_secret_is_one_volume_with_the_keys_that_are_needed() -> None:
    s3 = {
        "accessKeySecret": selector("cred", "access"),
        "secretKeySecret": selector("cred", "secret"),
    }
    http = {"url": "u", "auth": {"basicAuth": {"passwordSecret": selector("a.b", "p")}}}
    volumes, mounts = secrets.mounted([{"s3": s3}, {}, {"http": http}, {"s3": s3}, {"raw": {}}])
    assert [each["secret"]["secretName"] for each in volumes] == ["a.b", "cred"]
    assert [each["key"] for each in volumes[1]["secret"]["items"]] == ["access", "secret"]
    assert [each["mountPath"] for each in mounts] == ["/argo/secret/a.b", "/argo/secret/cred"]
    assert [each["name"] for each in mounts] == [each["name"] for each in volumes]
    assert all("." not in each["name"] for each in volumes)
