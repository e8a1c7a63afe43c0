"""The products' own REST APIs. Each acts as its caller, through the Kubernetes API: see `kube`."""
