"""The archive of workflows, switched on in config.yaml: it outlives them and a crash."""

import json
import os
import signal
import urllib.request

import pytest

from support import until

pytestmark = pytest.mark.slow
WORKFLOW = {
    "metadata": {"name": "w"},
    "spec": {
        "entrypoint": "c",
        "templates": [{"name": "c", "container": {"image": "alpine", "command": ["true"]}}],
    },
}


def ask(sampan, token, method, path, body=None):
    request = urllib.request.Request(
        f"{sampan.state['gateway']}/argo/api/v1/{path}", method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {token}"},
    )  # fmt: skip
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def test_what_is_deleted_stays_in_the_archive(own_sampan):
    own_sampan.home.mkdir()
    (own_sampan.home / "config.yaml").write_text("archive: true\n")
    own_sampan.up()
    token = own_sampan("token").strip()
    made = ask(own_sampan, token, "POST", "workflows/default", {"workflow": WORKFLOW})
    uid = made["metadata"]["uid"]
    until(lambda: ask(own_sampan, token, "GET", "archived-workflows")["items"], seconds=30)
    os.kill(own_sampan.pid, signal.SIGKILL)
    own_sampan.up()
    ask(own_sampan, token, "DELETE", "workflows/default/w")
    kept = ask(own_sampan, token, "GET", f"archived-workflows/{uid}")
    assert kept["status"]["phase"] == "Succeeded"
    assert list(kept["status"]["nodes"]) == ["w"]
    listed = ask(own_sampan, token, "GET", "workflows/default")["items"]
    assert [each["metadata"]["uid"] for each in listed] == [uid]
