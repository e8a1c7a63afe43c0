"""What a running Sampan logs: lines that a machine reads, and no secret among them."""

import json
import subprocess

import pytest

from support import kubectls

pytestmark = pytest.mark.slow
KUBECTL = next(iter(kubectls().values()), "")
SECRET = "hunter2-hunter2-hunter2"


@pytest.mark.skipif(not KUBECTL, reason="no kubectl on this machine")
def test_json_lines_an_audit_trail_and_no_secrets(own_sampan):
    own_sampan.home.mkdir(mode=0o700)
    (own_sampan.home / "config.yaml").write_text("audit: true\n")
    own_sampan(
        "up", "--detach", "--port", "0", "--api-port", "0", "--log-format", "json",
        "--log-level", "debug",
    )  # fmt: skip
    token = own_sampan("token").strip()
    run = own_sampan.run
    run([KUBECTL, "create", "secret", "generic", "s", f"--from-literal=password={SECRET}"])
    run([KUBECTL, "run", "p", "--image=busybox", f"--env=PASSWORD={SECRET}", "--", "sleep", "99"])
    own_sampan("wait", "pod/p", "--for", "condition=Ready")
    own_sampan("exec", "p", "--", "echo", SECRET)
    run([KUBECTL, "create", "token", "default"])
    run([KUBECTL, "get", "secrets", "--as", "ann"], check=False)
    run([KUBECTL, "get", "pods", "--token", token + "x"], check=False)
    url = f"{own_sampan.state['api']}/api/v1/namespaces/default/pods?token={token}"
    head = f"Authorization: Bearer {token}"
    subprocess.run(["curl", "-sk", "-o", "/dev/null", "-H", head, url], check=False)
    run([KUBECTL, "delete", "pod", "p", "--grace-period=0"])
    own_sampan.down()
    lines = (own_sampan.home / "sampan.log").read_text().splitlines()
    assert all(
        {"time", "level", "component", "message"} <= json.loads(line).keys() for line in lines
    )
    trail = [json.loads(line) for line in (own_sampan.home / "audit.log").read_text().splitlines()]
    told = {(each["verb"], each.get("resource"), each.get("subresource"), each["code"])
            for each in trail}  # fmt: skip
    assert ("create", "secrets", None, 201) in told
    assert ("create", "pods", "exec", 101) in told or ("get", "pods", "exec", 101) in told
    assert ("list", "secrets", None, 403) in told
    assert ("delete", "pods", None, 200) in told
    users = {each.get("user") for each in trail}
    assert "ann" in users
    assert all(each.get("impersonator") for each in trail if each["user"] == "ann")
    assert None not in users
    logged = [*own_sampan.home.glob("*.log*"), own_sampan.home / "node" / "supervisor.log"]
    for path in logged:
        text = path.read_text()
        assert SECRET not in text, path
        assert token.rpartition(".")[2] not in text, path
        assert path.stat().st_mode & 0o077 == 0, path
