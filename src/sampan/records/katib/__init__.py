"""Records of Katib, in SQL: what was reported of the metrics of trials.

`store` is what everybody asks, `rows` knows SQL, `summary` makes what a Trial's status has of a
log. The database is loaded with the first report.
"""
