"""The core group: namespaces, garbage, claims and volumes, endpoints; admission of its kinds."""

from __future__ import annotations

from sampan.kinds.core.admit import RULES
from sampan.kinds.core.claims import CLAIM
from sampan.kinds.core.endpoints import ENDPOINTS
from sampan.kinds.core.ephemeral import EPHEMERAL
from sampan.kinds.core.garbage import GARBAGE
from sampan.kinds.core.mirroring import MIRRORING
from sampan.kinds.core.namespaces import NAMESPACE_END, NAMESPACE_HOME
from sampan.kinds.core.roles import AGGREGATION
from sampan.kinds.core.taints import EVICTION
from sampan.kinds.core.volumes import VOLUME
from sampan.kube.component import Component

COMPONENT = Component(
    name="core",
    controllers=(
        NAMESPACE_HOME,
        NAMESPACE_END,
        GARBAGE,
        CLAIM,
        EPHEMERAL,
        VOLUME,
        ENDPOINTS,
        MIRRORING,
        EVICTION,
        AGGREGATION,
    ),
    rules=RULES,
)
