"""The REST API of Katib's user interface, at /katib: each request with the caller's own rights.

server      the routes, and how requests are answered
views       what is shown of experiments and trials
templates   the ConfigMaps that hold templates of trials
Upstream: cmd/ui/v1beta1, pkg/ui/v1beta1.
"""
