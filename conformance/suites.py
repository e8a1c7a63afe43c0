"""Which suites there are, how each is run, and which of its cases no current server can pass.

A reason in `hopeless` is a fact about the case and not about Sampan: what it asks for has left
Kubernetes, is a matter of that client alone, or belongs to one distribution of Kubernetes.
Everything else that fails is a fault of ours, and fails the run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

_BETA = "asks for apiextensions.k8s.io/v1beta1, which Kubernetes dropped in 1.22"
_APPLIES = "applies a Deployment to pods, which a server refuses (managedfields/versioncheck.go)"
_OSCRYPTO = "needs an oscrypto that knows OpenSSL 3.0.10 and later; none is on PyPI"
_CACHE = "compares what the client remembers with what it reads from its own cache file"


@dataclass(frozen=True)
class Checkout:
    """Files of a repository at GitHub: path there -> path below the environment's site-packages,
    or below the suite's own folder."""

    repository: str
    files: Mapping[str, str]
    inside: bool = False


@dataclass(frozen=True)
class Sdist:
    """The tests in a package's source distribution."""

    requirement: str
    files: tuple[str, ...]


@dataclass(frozen=True)
class Suite:
    """
    requirements: of its environment; pytest comes with it.
    arguments: of pytest.
    source: where the tests come from; None when the package brings them.
    kubectl: whether the suite runs kubectl.
    hopeless: a case's name, with or without its parameters -> why no current server passes it.
    """

    requirements: tuple[str, ...]
    arguments: tuple[str, ...]
    source: Checkout | Sdist | None = None
    hopeless: Mapping[str, str] = field(default_factory=dict)


_KUBERNETES = "kubernetes-client/python"
_ASYNCIO = "tomplus/kubernetes_asyncio"
_E2E = {"kubernetes/e2e_test": "kubernetes/e2e_test"}
_E2E_OF_30 = tuple(  # without test_informer.py: that client has no informers yet
    f"kubernetes/e2e_test/{name}"
    for name in (
        *("__init__.py", "base.py", "port_server.py", "test_apps.py", "test_batch.py"),
        *("test_client.py", "test_utils.py", "test_watch.py", "test_yaml"),
    )
)

SUITES: Mapping[str, Suite] = {
    "kubernetes-37": Suite(
        ("kubernetes==37.0.2",),
        ("kubernetes/e2e_test",),
        Checkout(_KUBERNETES, _E2E, inside=True),
    ),
    "kubernetes-30": Suite(
        ("kubernetes==30.1.0",),
        ("kubernetes/e2e_test",),
        Checkout(
            _KUBERNETES,
            {path: path for path in _E2E_OF_30},
            inside=True,
        ),
        {
            name: f"tests what came with a later client than 30: {what}"
            for name, what in (
                ("test_job_apis", "deletions that answer with a model"),
                ("test_pod_exec_close_channel", "WSClient.subprotocol"),
                ("test_create_apps_deployment_from_yaml_with_apply_is_idempotent", "apply="),
                ("test_metrics_utilities_integration", "utils.metrics"),
                ("test_format_quantity", "utils.format_quantity"),
            )
        },
    ),
    "kubernetes-dynamic": Suite(
        ("kubernetes==37.0.2",),
        ("kubernetes/dynamic",),
        Checkout(
            _KUBERNETES,
            {
                **_E2E,
                "kubernetes/base/dynamic/test_client.py": "kubernetes/dynamic/test_client.py",
                "kubernetes/base/dynamic/test_discovery.py": "kubernetes/dynamic/test_discovery.py",
            },
            inside=True,
        ),
        {
            "test_cluster_custom_resources": _BETA,
            "test_namespaced_custom_resources": _BETA,
            "test_async_namespaced_custom_resources": _BETA,
            "test_cache_decoder_resource_and_subresource": _CACHE,
        },
    ),
    "kubernetes-aio": Suite(
        ("kubernetes==37.0.2", "aiohttp"),
        ("kubernetes/aio/e2e_test",),
        Checkout(_KUBERNETES, {"kubernetes/aio/e2e_test": "kubernetes/aio/e2e_test"}, inside=True),
    ),
    "kubernetes-asyncio": Suite(
        ("kubernetes_asyncio==36.1.0",),
        ("kubernetes_asyncio/e2e_test", "kubernetes_asyncio/dynamic"),
        Checkout(
            _ASYNCIO,
            {
                path: path
                for path in (
                    "kubernetes_asyncio/e2e_test",
                    "kubernetes_asyncio/dynamic/client_test.py",
                    "kubernetes_asyncio/dynamic/discovery_test.py",
                )
            },
            inside=True,
        ),
        {"test_server_side_apply_api": _APPLIES},
    ),
    "kfp": Suite(
        ("kfp==2.17.0", "pyyaml"),
        (*("-o", "python_files=*_test.py", "-o", "filterwarnings="), "sdk/python/test/client"),
        Checkout(
            "kubeflow/pipelines",
            {
                path: path
                for path in (
                    *("sdk/python/test/__init__.py", "sdk/python/test/client"),
                    *("sdk/python/test/test_utils", "backend/api/v2beta1/python_http_client"),
                    *("test_data/__init__.py", "test_data/sdk_compiled_pipelines/__init__.py"),
                    "test_data/sdk_compiled_pipelines/valid",
                )
            },
        ),
    ),
    "lightkube": Suite(
        ("lightkube==0.21.0",),
        ("e2e-tests",),
        Checkout("gtsystem/lightkube", {"e2e-tests": "e2e-tests"}),
        {"test_pod_apis": "looks for the metrics-server that k3s puts into kube-system"},
    ),
    "kr8s": Suite(
        (
            "kr8s==0.20.15",
            "httpx-ws<0.9",  # 0.9 puts the client's own errors into exception groups
            "pytest-rerunfailures",
            "trio",
            "lightkube",
            "kubernetes<36",
            "pykube-ng",
            "kubernetes-asyncio",
            "kubernetes-validate",
        ),
        (
            *("-o", "addopts=", "-p", "pytest_kind.plugin", "--keep-cluster"),
            *("--reruns", "3", "kr8s"),  # as its own CI: its random ports may be taken
        ),
        Sdist("kr8s==0.20.15", ("kr8s", "conftest.py", "pyproject.toml")),
        {
            "test_api_resources": "counts on a cluster without metrics.k8s.io",
            "test_api_timeout": "wants a server that needs more than 10 microseconds to answer",
        },
    ),
    "kopf": Suite(
        (
            *("kopf==1.45.2", "kubernetes", "pykube-ng", "pytest-aiohttp", "pytest-mock", "kmock"),
            *("looptime", "freezegun", "certbuilder", "certvalidator", "oscrypto", "astpath"),
            *("lxml", "pyngrok", "coverage"),
        ),
        ("--only-e2e", "tests/e2e", "examples"),
        Sdist("kopf==1.45.2", ("tests", "examples", "pyproject.toml", "peering.yaml")),
        {"test_all_examples_are_runnable[17-admission]": _OSCRYPTO},
    ),
}
