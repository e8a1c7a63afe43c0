"""The remote cluster passes its contract against a whole Sampan, as against any API server."""

from contextlib import asynccontextmanager

import pytest

from sampan.engine import kubeconfig
from sampan.engine.remote import RemoteCluster
from sampan.testing.cluster import ClusterContract

pytestmark = pytest.mark.slow


class TestRemoteAgainstSampan(ClusterContract):
    @pytest.fixture(autouse=True)
    def _reaches(self, sampan):
        self.access = kubeconfig.load(sampan.kubeconfig)

    @asynccontextmanager
    async def opened(self):
        cluster = await RemoteCluster.connect(self.access)
        try:
            yield cluster
        finally:
            await cluster.close()
