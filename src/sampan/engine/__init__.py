"""The controller engine: what a cluster is, the cache, the queue, the loop."""
