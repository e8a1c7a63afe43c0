"""The remote cluster passes its contract against a whole Sampan, as against any API server."""

import gc
import warnings
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
            _forget_connections()


def _forget_connections():
    """asyncio loses a TLS connection that is cancelled between its making and its handshake, as a
    watch may be that just begins. Nobody can close it but the garbage collector."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
