"""The Argo Server's REST API, as the `argo` command, `hera` and browsers speak it.

`server` is the ASGI application, `routes` its table; a function gets a `call` and answers with a
value, a file or a stream. All of it reads and writes with the caller's own token, so that nothing
here decides who may what. Nothing runs here: the controllers of `kinds.workflows` do that.
Upstream: argo-workflows server/, api/openapi-spec.
"""
