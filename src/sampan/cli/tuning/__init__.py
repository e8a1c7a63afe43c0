"""Behind `sampan tune`: a search space in words, the objects that it becomes, and what they do.

Not a searcher: Katib's controllers are asked, here as on any other cluster that has them.
"""
