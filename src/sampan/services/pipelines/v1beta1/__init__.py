"""The first version of the API, v1beta1: pipelines that are Argo Workflows.

    experiments, pipelines, runs, jobs       what is answered, path by path
    references                               whose things are, as this version says it
    asked                                    a message to what is to be run

The objects are those of the second version, shown in other words; what is Pipeline IR runs as
there. Upstream: backend/api/v1beta1, backend/src/apiserver/server.
"""
