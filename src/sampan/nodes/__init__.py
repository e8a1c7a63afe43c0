"""The node: pods as sandboxed local processes, images as environments, a scheduler, a supervisor.

`kubelet.Node` is the entry. Nothing here imports the API server; the two meet in `sampan.app`.
"""
