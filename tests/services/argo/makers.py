"""Workflows as clients send them."""

SPEC = {
    "entrypoint": "main",
    "templates": [{"name": "main", "container": {"image": "alpine", "command": ["true"]}}],
}


def workflow(name="w", namespace="a", *, spec=None, **meta):
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"name": name, "namespace": namespace, **meta},
        "spec": {**SPEC, **(spec or {})},
    }
