"""Records: what outlives objects, in SQL: the archive of workflows.

`archiver` brings completed workflows in, `archive` is what everybody else asks, `sql` alone knows
tables and statements. The database is imported when the archive is used, not at start.
"""
