"""Images from a registry on loopback, asked for and used with kubectl."""

import json
import os
import re
import subprocess
import urllib.request

import pytest

from support import kubectls

pytestmark = pytest.mark.slow


@pytest.fixture
def kubectl(sampan, namespace):
    """The newest kubectl, in the namespace of the test."""
    found = kubectls()
    if not found:
        pytest.skip("no kubectl here")
    newest = max(found, key=lambda name: [int(part) for part in re.findall(r"\d+", name)])

    def call(*words):
        return sampan.run([found[newest], "-n", namespace, *words])

    call.command = [found[newest], "-n", namespace]
    call.environment = sampan.environment
    return call


@pytest.mark.skipif(os.geteuid() != 0, reason="there is one user in an image here")
def test_nginx_and_busybox_are_pulled_forwarded_and_fetched(kubectl, docker_registry):
    nginx = f"{docker_registry.name}/library/nginx"
    kubectl("run", "web", f"--image={nginx}")
    kubectl("wait", "--for=condition=Ready", "pod/web", "--timeout=30s")
    forward = subprocess.Popen(
        [*kubectl.command, "port-forward", "pod/web", ":80"], env=kubectl.environment,
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        port = re.search(r"127\.0\.0\.1:(\d+) ->", forward.stdout.readline())[1]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as page:
            assert b"Welcome to nginx!" in page.read()
    finally:
        forward.kill()
        forward.communicate()
    said = kubectl("describe", "pod", "web")
    assert f'Successfully pulled image "{nginx}"' in said
    assert "GET / HTTP/1.1" in kubectl("logs", "web")
    workers = kubectl("exec", "web", "--", "sh", "-c", "stat -c %U /proc/[0-9]*").split()
    assert "root" in workers

    busybox = f"{docker_registry.name}/library/busybox"
    kubectl("run", "box", f"--image={busybox}", "--restart=Never", "--", "cat", "/etc/passwd")
    kubectl("wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/box", "--timeout=30s")
    assert kubectl("logs", "box").startswith("root:x:0:0:root:/root:/bin/sh\n")
    listed = json.loads(kubectl("get", "nodes", "-o", "json"))["items"][0]["status"]["images"]
    names = [name for image in listed for name in image["names"]]
    assert {f"{nginx}:latest", f"{busybox}:latest"} <= set(names)
    assert any(name.startswith(f"{nginx}@sha256:") for name in names)
    kubectl("delete", "pod", "web", "box", "--now")
