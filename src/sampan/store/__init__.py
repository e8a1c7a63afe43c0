"""Revisioned objects on SQLite: compare-and-swap, watch, compaction. Knows nothing of Kubernetes'
rules; the API server decides what may be written."""
