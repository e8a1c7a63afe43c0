"""The command line options of pytest-kind's plugin."""


def pytest_addoption(parser):
    group = parser.getgroup("kind")
    group.addoption("--cluster-name", default="sampan")
    group.addoption("--keep-cluster", action="store_true")
    for name in ("--kubeconfig", "--kind-bin", "--kind-image"):
        group.addoption(name, default=None)
