"""The Argo Server's own port, as upstream's clients know it, and the gateway's Host check."""

import base64
import json
import ssl
import urllib.error
import urllib.request

import pytest
import yaml

pytestmark = pytest.mark.slow


def test_the_port_has_tls_and_wants_a_token(own_sampan):
    own_sampan("up", "--detach", "--port", "0", "--api-port", "0", "--argo-port", "0")
    argo = json.loads(own_sampan("status", "-o", "json"))["argo"]
    config = yaml.safe_load(own_sampan.kubeconfig.read_text())
    cluster = config["clusters"][0]["cluster"]
    authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
    context = ssl.create_default_context(cadata=authority)
    token = own_sampan("token", "--user", "eve").strip()

    def ask(path, token=token):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        request = urllib.request.Request(f"{argo}/api/v1/{path}", headers=headers)
        with urllib.request.urlopen(request, context=context, timeout=30) as answer:
            return json.load(answer)

    assert ask("userinfo")["subject"] == "eve"
    for path, given, code in (("version", "", 401), ("workflows/default", token, 403)):
        with pytest.raises(urllib.error.HTTPError) as refused:
            ask(path, given)
        assert refused.value.code == code
        refused.value.close()


def test_a_name_that_is_not_ours_gets_nothing(sampan):
    for path in ("/", "/argo/api/v1/version"):
        request = urllib.request.Request(sampan.state["gateway"] + path)
        request.add_header("Host", "rebound.example")
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=30)
        assert refused.value.code == 421
        refused.value.close()
