"""From the model that was registered last back to its data, with nothing but HTTP.

python lineage.py http://localhost:8080/pipeline
"""

import json
import sys
from urllib.parse import urlencode
from urllib.request import urlopen


def get(path, **query):
    with urlopen(f"{sys.argv[1]}/apis/v2beta1/{path}?{urlencode(query)}") as answer:
        return json.load(answer)


def registered():
    """The newest artifact of that name."""
    named = {"key": "name", "operation": "EQUALS", "string_value": "registered"}
    query = json.dumps({"predicates": [named]})
    return get("artifacts", filter=query, sort_by="created_at desc", page_size=1)["artifacts"][0]


def maker(artifact):
    """The task that made it; a task that was taken from the cache made it not."""
    query = {"artifact_ids": artifact["artifact_id"], "type": "OUTPUT"}
    for event in get("artifact_tasks", **query)["artifact_tasks"]:
        task = get(f"tasks/{event['task_id']}")
        if task.get("pods"):
            return task
    raise SystemExit(f"nobody has made {artifact['uri']}")


def inputs(task):
    return [each["value"] for each in task.get("inputs", {}).get("artifacts", ())]


waiting, seen = [registered()], set()
while waiting:
    artifact = waiting.pop(0)
    if artifact["artifact_id"] not in seen:
        seen.add(artifact["artifact_id"])
        task = maker(artifact)
        known = (f"{name}={value}" for name, value in artifact.get("metadata", {}).items())
        content = artifact["digest"].removeprefix("sha256:")[:8]
        print(f"{artifact['name']:<10} {content}  made by {task['name']:<8}", *known)
        waiting += inputs(task)
