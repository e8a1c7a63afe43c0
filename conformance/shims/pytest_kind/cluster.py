"""The part of pytest-kind's KindCluster that suites use."""

import os
import subprocess
from pathlib import Path


class KindCluster:
    def __init__(
        self, name="sampan", kubeconfig=None, image=None, kind_path=None, kubectl_path=None
    ):
        self.name = name
        self.kubeconfig_path = Path(os.environ["TEST_KUBECONFIG"])
        self.kubectl_path = Path(os.environ["TEST_KUBECTL"])

    def create(self, config_file=None):
        """There is one already."""

    def delete(self):
        """It goes on for the next suite."""

    def kubectl(self, *words, **more):
        environment = {**os.environ, "KUBECONFIG": str(self.kubeconfig_path)}
        command = [str(self.kubectl_path), *words]
        return subprocess.check_output(command, env=environment, encoding="utf-8", **more)
