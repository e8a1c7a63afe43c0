"""Admission of the core kinds: defaults, preparation, validation, and checks against the cluster.

One module per family of kinds; `RULES` is the table that `sampan.app` hands to the API server.
Types, names and metadata are the server's own business and are right when a rule runs.
"""

from __future__ import annotations

from collections.abc import Mapping

from sampan.kinds.core.admit.access import ACCESS_RULES
from sampan.kinds.core.admit.basics import BASIC_RULES
from sampan.kinds.core.admit.config import CONFIG_RULES
from sampan.kinds.core.admit.limits import LIMIT_RULES
from sampan.kinds.core.admit.pods import POD_RULES
from sampan.kinds.core.admit.priorities import PRIORITY_RULES
from sampan.kinds.core.admit.quotas import QUOTA_RULES
from sampan.kinds.core.admit.runtimes import RUNTIME_RULES
from sampan.kinds.core.admit.services import SERVICE_RULES
from sampan.kinds.core.admit.slices import SLICE_RULES
from sampan.kinds.core.admit.storage import STORAGE_RULES
from sampan.kube import names
from sampan.kube.component import Rules

RULES: Mapping[str, Rules] = {
    names.POD: POD_RULES,
    **SERVICE_RULES,
    **SLICE_RULES,
    **BASIC_RULES,
    **PRIORITY_RULES,
    **CONFIG_RULES,
    **STORAGE_RULES,
    **ACCESS_RULES,
    **LIMIT_RULES,
    **QUOTA_RULES,
    **RUNTIME_RULES,
}
