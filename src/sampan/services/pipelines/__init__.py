"""The REST API of Kubeflow Pipelines: experiments, pipelines, runs, schedules, lineage.

    server ──> routes ──> experiments, pipelines, versions, uploads, runs, logs, …
                              │
    call                      one request: the caller's Kubernetes API, the path, the body
    messages, listing         what requests may say: bodies, filters, orders, pages
    ids, naming               objects by the ids that the API gives them, and what they are called

Objects are resources of the cluster and are read and written with the caller's own token; lists of
runs, and runs that the cluster has no more, are asked of the records.
Upstream: kubeflow/pipelines backend/api, backend/src/apiserver/server.
"""
