"""Which fields of a Workflow Sampan acts on. All others are refused, never ignored.

A field that upstream knows and that is not listed here is answered with its path; an empty value
(`{}`, `[]`, `false`, `""`, null) asks for nothing and passes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from sampan.kube.errors import Problem, forbidden

NOT_YET = "not supported by Sampan yet"

SPEC = frozenset({
    "activeDeadlineSeconds", "affinity", "arguments", "artifactRepositoryRef",
    "automountServiceAccountToken", "dnsConfig",
    "dnsPolicy", "entrypoint", "hostAliases", "hostNetwork", "imagePullSecrets", "nodeSelector",
    "parallelism", "podMetadata", "podPriorityClassName", "schedulerName", "securityContext",
    "serviceAccountName", "shutdown", "suspend", "templates", "tolerations", "ttlStrategy",
    "volumeClaimGC", "volumeClaimTemplates", "volumes",
})  # fmt: skip
KINDS = ("container", "script", "steps", "dag")
LEAVES = ("container", "script")
TEMPLATE = frozenset({
    *KINDS, "activeDeadlineSeconds", "affinity", "automountServiceAccountToken", "failFast",
    "hostAliases", "initContainers", "inputs", "metadata", "name", "nodeSelector", "outputs",
    "parallelism", "priorityClassName", "schedulerName", "securityContext", "serviceAccountName",
    "tolerations", "volumes",
})  # fmt: skip
POD_ONLY = frozenset({
    "activeDeadlineSeconds", "initContainers", "priorityClassName", "schedulerName",
    "securityContext", "volumes",
})  # fmt: skip
"""Fields that say nothing for a template without a pod."""
GROUP_ONLY = frozenset({"parallelism", "failFast"})
"""Fields that say nothing for a template that is a pod."""
LOOPS = ("withItems", "withParam", "withSequence")
STEP = frozenset({"name", "template", "arguments", "when", "continueOn", "onExit", "hooks", *LOOPS})
TASK = STEP | {"dependencies", "depends"}
DAG = frozenset({"tasks", "target", "failFast"})
OUTPUTS = frozenset({"parameters"})
ARGUMENTS = frozenset({"parameters", "artifacts"})
ARGUMENT = frozenset({"name", "value", "valueFrom", "description"})
PARAMETER = ARGUMENT | {"default", "enum", "globalName"}


def refused(
    body: Mapping[str, Any], supported: Collection[str], path: str, why: str = NOT_YET
) -> Iterator[Problem]:
    """The fields that ask for something which is not supported."""
    for field, value in body.items():
        if field not in supported and value not in (None, False, "", {}, []):
            yield forbidden(f"{path}.{field}", why)
