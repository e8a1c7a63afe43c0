"""Records of pipelines, in SQL: runs, their tasks and metrics, artifacts, and what became of what.

`recorder` brings in what happens in the cluster, `store` is what everybody else asks, `tables` and
the modules of statements know SQL. The database is loaded with the first Run or the first request.
"""
