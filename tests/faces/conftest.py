"""One real Sampan for all tests of this folder that share it."""

import json

import pytest

from support import Sampan


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
    name = "".join(c if c.isalnum() else "-" for c in request.node.name.lower()).strip("-")[:60]
    name = name.strip("-")
    manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    sampan("apply", "-f", "-", text=json.dumps(manifest))
    yield name
    sampan("delete", "namespace", name, "--no-wait")
