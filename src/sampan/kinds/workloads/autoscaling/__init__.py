"""HorizontalPodAutoscaler: as many replicas as the load asks for.

    types        what is seen: the target, its pods, what they use
    demand       one metric -> how many replicas it asks for, or why it cannot say
    bounds       how far and how fast the number may move: behavior, minimum, maximum
    autoscaler   the controller and its status

Upstream: kubernetes pkg/controller/podautoscaler.
"""
