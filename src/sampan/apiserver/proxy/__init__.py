"""Proxying to pods: `pods/proxy` and `services/proxy`, one request to one connection.

`handler` serves a request: `targets` finds the pod and the port, `exchange` speaks HTTP/1.1 with
it over a connection that the node's agent has made (`secured` adds TLS), `headers` says what goes
through, `links` keeps the pages' links below the proxy's path. Nothing here knows who may: that was
decided before. Upstream: k8s.io/apimachinery pkg/util/proxy.
"""
