"""Why an object is not ready, told from objects and events alone: pure, for any cluster.

`story.tell` is the entry; `sampan explain` gathers what it needs and prints what it says.
"""
