"""What `sampan run` and `sampan runs` share: the way to the pipelines API, a run as text.

packages   a file of the user's, compiled if it is Python, and the arguments for it
server     requests to the REST API, that of the home's gateway or another one
shown      a run as a tree of tasks
follow     that tree until the run is over, and the logs of what failed
"""
