"""One real Sampan for all tests of this folder that share it."""

import zlib

import pytest

from support import Sampan, kubectls

KUBECTLS = kubectls()


@pytest.fixture(scope="session")
def sampan(tmp_path_factory):
    """A running Sampan, shared by the session."""
    program = Sampan(tmp_path_factory.mktemp("home"))
    program.up()
    yield program
    program.down()


@pytest.fixture
def own_sampan(tmp_path):
    """A Sampan of the test's own, which it may kill."""
    program = Sampan(tmp_path / "home")
    yield program
    program.down()


@pytest.fixture
def namespace(sampan, request):
    """A fresh namespace, named after the test."""
    said = "".join(c if c.isalnum() else "-" for c in request.node.name.lower())
    name = f"{said[:50].strip('-')}-{zlib.crc32(request.node.name.encode()):x}"
    sampan.request("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    yield name
    sampan.request("DELETE", f"/api/v1/namespaces/{name}")


@pytest.fixture(params=KUBECTLS or [pytest.param("", marks=pytest.mark.skip("no kubectl here"))])
def kubectl(request, sampan, namespace):
    """Runs this kubectl in the test's namespace."""

    def run(*words, text=None, check=True, timeout=60):
        command = [KUBECTLS[request.param], "-n", namespace, *words]
        return sampan.run(command, text=text, check=check, timeout=timeout)

    run.command = KUBECTLS[request.param]
    run.minor = int(run.command.rpartition(".")[2]) if "kubectl.1." in run.command else 33
    run.namespace = namespace
    run.environment = sampan.environment
    return run
