"""CEL as Kubernetes has it: its functions, the types of custom resources, the rules of CRDs, and
what admission policies and webhooks may ask.

The language is in `sampan.lib.cel`. Nothing here is compiled before an object of a kind with rules
is written, or a CRD, policy or webhook configuration that has some.
Upstream: k8s.io/apiserver pkg/cel.
"""
