"""/metrics: read by a Prometheus as that of a cluster, by whoever may read it."""

import re

import pytest

from support import kubectls

pytestmark = pytest.mark.slow
KUBECTL = next(iter(kubectls().values()), "")
SAMPLE = re.compile(r'^[a-z_]+(\{([a-z_]+="([^"\\]|\\.)*",?)*\})? [0-9.e+-]+$')


@pytest.mark.skipif(not KUBECTL, reason="no kubectl on this machine")
def test_what_is_counted(sampan, namespace):
    for _ in range(3):
        sampan.run([KUBECTL, "get", "configmaps", "-n", namespace])
    sampan.run([KUBECTL, "get", "pod", "nobody", "-n", namespace], check=False)
    text = sampan.run([KUBECTL, "get", "--raw", "/metrics"])
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert all(SAMPLE.match(line) for line in lines)
    found = dict(line.rsplit(" ", 1) for line in lines)
    lists = next(
        value for name, value in found.items()
        if name.startswith('apiserver_request_total{verb="LIST"') and '"configmaps"' in name
        and 'scope="namespace"' in name and 'code="200"' in name
    )  # fmt: skip
    assert int(lists) >= 3
    assert any('resource="pods"' in name and 'code="404"' in name for name in found)
    assert any(name.startswith("apiserver_request_duration_seconds_bucket") for name in found)
    assert any('result="success"' in name for name in found)
    assert int(found["sampan_store_revision"]) > 0
    assert int(found["sampan_supervisor_resident_memory_bytes"]) > 1 << 20
    # What a client makes up is no label.
    sampan.run([KUBECTL, "get", "--raw", "/apis/made.up/v1/things"], check=False)
    assert "made.up" not in sampan.run([KUBECTL, "get", "--raw", "/metrics"])


@pytest.mark.skipif(not KUBECTL, reason="no kubectl on this machine")
def test_not_for_everybody(sampan):
    denied = [KUBECTL, "get", "--raw", "/metrics", "--as", "ann"]
    assert "(Forbidden)" in sampan.run(denied, check=False).stderr
