"""Pods of trials: what admission adds to them so that their metrics are read.

A pod in a namespace that takes part, whose owners lead up to a Trial whatever stands between, gets
the trial's labels and name. The primary pod also gets a container that reads its metrics
(`sidecar`), and its command comes to leave a mark when it has succeeded (`command`). Where the pod
says no command the image's is left to the node to fill in. Pods of anybody else stay as they are.
Upstream: pkg/webhook/v1beta1/pod.
"""
