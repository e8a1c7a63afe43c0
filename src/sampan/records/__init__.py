"""Records: what outlives objects, in SQL. Now the archive of workflows."""
