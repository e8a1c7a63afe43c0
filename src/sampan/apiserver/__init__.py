"""The embedded Kubernetes API server: REST on raw ASGI, over the store."""
