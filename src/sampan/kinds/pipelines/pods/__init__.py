"""The pods of a run's tasks: how they are built, what became of them; and its claims.

    build      a task with its inputs, and what kfp-kubernetes says of it, to one Pod
    state      a Pod to what became of its task
    claims     CreatePVC and DeletePVC, which have no pod
    workspace  the claim that tasks of a run share

Nothing here decides when a pod is made. Upstream: kubeflow/pipelines backend/src/v2/driver and
backend/src/v2/compiler/argocompiler.
"""
