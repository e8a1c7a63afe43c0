"""Manifests and requests that are almost right, made from the schemas and bent at random places.

`grown` follows a schema and gives what it allows; `bent` puts something wrong somewhere into it.
Both draw from one `random.Random`, so that a seed tells a whole run.
"""

import copy
import json
import string

from sampan.apiserver.resources import Resources
from sampan.apiserver.schemas.nodes import List, Map, Scalar, Struct

KEPT_OUT = {
    # What would rightly stop the others: who writes these governs the cluster.
    "Node",
    "Namespace",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "APIService",
    "PriorityClass",
    "Binding",
    "Eviction",
}

CONTAINER = {"name": "main", "image": "busybox", "command": ["true"]}
TEMPLATE = {
    "metadata": {"labels": {"app": "nonsense"}},
    "spec": {"containers": [CONTAINER], "nodeSelector": {"nonsense": "yes"}},
}
ONCE = {**TEMPLATE, "spec": {**TEMPLATE["spec"], "restartPolicy": "Never"}}
SELECTOR = {"matchLabels": {"app": "nonsense"}}
JOB = {"template": ONCE}
REFERENCE = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"}
BASES = {
    "Pod": {"spec": ONCE["spec"]},
    "PodTemplate": {"template": TEMPLATE},
    "ReplicationController": {"spec": {"selector": {"app": "nonsense"}, "template": TEMPLATE}},
    "Deployment": {"spec": {"selector": SELECTOR, "template": TEMPLATE}},
    "ReplicaSet": {"spec": {"selector": SELECTOR, "template": TEMPLATE}},
    "DaemonSet": {"spec": {"selector": SELECTOR, "template": TEMPLATE}},
    "StatefulSet": {"spec": {"selector": SELECTOR, "template": TEMPLATE, "serviceName": "s"}},
    "Job": {"spec": JOB},
    "CronJob": {"spec": {"schedule": "* * * * *", "jobTemplate": {"spec": JOB}}},
    "Service": {"spec": {"selector": {"app": "nonsense"}, "ports": [{"port": 80}]}},
    "PersistentVolumeClaim": {
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}}
    },
    "HorizontalPodAutoscaler": {"spec": {"scaleTargetRef": REFERENCE, "maxReplicas": 3}},
    "PodDisruptionBudget": {"spec": {"selector": SELECTOR, "minAvailable": 1}},
    "ResourceQuota": {"spec": {"hard": {"services.nodeports": "1"}}},
    "LimitRange": {"spec": {"limits": [{"type": "Container", "max": {"cpu": "1"}}]}},
    "CustomResourceDefinition": {
        "spec": {
            "group": "nonsense.example.com",
            "scope": "Namespaced",
            "names": {"plural": "things", "kind": "Thing"},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {
                        "openAPIV3Schema": {
                            "type": "object",
                            "properties": {"spec": {"type": "object"}},
                        }
                    },
                }
            ],
        }
    },
}
TEXTS = (
    *("", "a", "x" * 300, "main", "default", "../../etc/passwd", "%2e%2e", "\x00", "ÿ\U0001f980"),
    *("1", "-1", "0", "1Gi", "100m", "1e99999", "9" * 400, "5%", "150%", "NaN", "true", "null"),
    *("* * * * *", "*/0 * * * *", "@never", "2026-11-23T00:00:00Z", "9999-99-99", "10.96.0.1"),
    *("::1", "256.1.1.1/99", "Always", "Never", "OnFailure", "RollingUpdate", "Recreate", "TCP"),
    *("app=nonsense", "a in (b", "{.spec", "{.items[*]..x}", "$(X)", "$(", "/", "/proc/1", "a b"),
    *(
        "http://169.254.169.254/",
        "file:///etc/passwd",
        "self.x > 1",
        "size(self",
        "[[[",
        "{{",
        "(a+)+$",
    ),
)
NUMBERS = (0, 1, -1, 2, 7, 80, 65536, 2**31 - 1, 2**31, 2**63, -(2**63) - 1, 0.5, 1e308)
WRONG = (None, True, [], {}, [None], {"": None}, [[[[]]]], {"a": {"b": {"c": []}}}, "x" * 100_000)
MOST_DEEP = 7


def resources():
    """The built-in resources that are bent, each once."""
    return [each for each in Resources() if each.object_kind not in KEPT_OUT]


def scalar(random):
    if random.random() < 0.6:
        return random.choice(TEXTS)
    return random.choice((*NUMBERS, True, False))


def grown(node, random, depth=0):
    """Something that the schema may allow; strings and numbers are mostly odd."""
    few = depth > MOST_DEEP
    if isinstance(node, Struct):
        wanted = set(node.required) if hasattr(node, "required") else set()
        share = 0 if few else random.choice((0.05, 0.2, 0.5))
        names = [name for name in node.fields if name in wanted or random.random() < share]
        return {name: grown(node.fields[name], random, depth + 1) for name in names}
    if isinstance(node, Map):
        count = 0 if few else random.randrange(3)
        return {key(random): grown(node.values, random, depth + 1) for _ in range(count)}
    if isinstance(node, List):
        count = 0 if few else random.randrange(3)
        return [grown(node.items, random, depth + 1) for _ in range(count)]
    if isinstance(node, Scalar):
        if node.plain is not None and random.random() < 0.9:
            return fitting(node.plain, random)
        return scalar(random)
    return random.choice((*WRONG[:-1], scalar(random)))


def fitting(plain, random):
    """A value of that class: `str`, `int`, `float` or `bool`."""
    if plain is str:
        return random.choice(TEXTS)
    return random.choice((False, True)) if plain is bool else plain(random.choice(NUMBERS[:8]))


def key(random):
    return random.choice((*TEXTS, *string.ascii_lowercase))


def bent(value, random):
    """A copy with one thing wrong, anywhere in it."""
    value = copy.deepcopy(value)
    at = value
    while isinstance(at, dict | list) and at:
        place = random.choice(list(at) if isinstance(at, dict) else range(len(at)))
        if not isinstance(at[place], dict | list) or not at[place] or random.random() < 0.25:
            break
        at = at[place]
    if not isinstance(at, dict | list) or not at:
        return random.choice(WRONG)
    match random.randrange(5):
        case 0:
            at[place] = random.choice(WRONG)
        case 1:
            at[place] = scalar(random)
        case 2 if isinstance(at, dict):
            del at[place]
        case 3 if isinstance(at, dict):
            at[key(random)] = at[place]
        case _:
            at[place] = [at[place], at[place]]
    return value


def manifest(resource, random, name):
    """One object of the resource: a sound base, something grown into it, and perhaps a fault."""
    made = {"metadata": {"name": name}, **copy.deepcopy(BASES.get(resource.object_kind, {}))}
    node = resource.schema.root
    for field in node.fields:
        if field in ("apiVersion", "kind", "metadata", "status") or random.random() < 0.4:
            continue
        into(made, field, node.fields[field], random)
    if random.random() < 0.1:
        made["metadata"] |= grown(node.fields["metadata"], random, MOST_DEEP - 1)
    for _ in range(random.choice((0, 0, 1, 1, 2))):
        made = bent(made, random) if isinstance(made, dict) else made
    return made


def into(holder, field, node, random, depth=0):
    """Put something grown below one field, at any depth."""
    below = holder.get(field)
    if isinstance(below, dict) and isinstance(node, Struct) and below and random.random() < 0.8:
        inner = random.choice(list(node.fields))
        into(below, inner, node.fields[inner], random, depth + 1)
    elif isinstance(below, list) and isinstance(node, List) and below and random.random() < 0.8:
        if isinstance(below[0], dict) and isinstance(node.items, Struct):
            inner = random.choice(list(node.items.fields))
            into(below[0], inner, node.items.fields[inner], random, depth + 1)
    else:
        holder[field] = grown(node, random, depth + 2)


QUERIES = (
    "",
    "",
    "",
    "?dryRun=All",
    "?dryRun=Some",
    "?fieldValidation=Strict",
    "?fieldManager=" + "m" * 200,
    "?fieldManager=a%00b&force=true",
    "?limit=1&continue=garbage",
    "?limit=-1",
    "?limit=99999999999999999999",
    "?labelSelector=a%20in%20(b",
    "?labelSelector=" + "a," * 2000,
    "?fieldSelector=spec.x%3D1",
    "?resourceVersion=999999999&timeoutSeconds=1",
    "?resourceVersion=-1",
    "?watch=true&timeoutSeconds=1&resourceVersion=0",
    "?watch=maybe",
    "?pretty=true&%ff=%ff",
    "?gracePeriodSeconds=x",
    "?propagationPolicy=Never",
)
PATCHES = (
    "application/merge-patch+json",
    "application/json-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
)


def request(resource, random, namespace, name):
    """(method, path and query, body, content type)"""
    group = f"apis/{resource.group}" if resource.group else "api"
    where = f"/namespaces/{namespace}" if resource.namespaced else ""
    collection = f"/{group}/{resource.version}{where}/{resource.plural}"
    query = random.choice(QUERIES)
    verb = random.random()
    if verb < 0.45:
        return "POST", collection + query, body(resource, random, name), "application/json"
    if verb < 0.55:
        return "GET", random.choice((collection, f"{collection}/{name}")) + query, None, ""
    if verb < 0.6:
        return "DELETE", f"{collection}/{name}{query}", None, ""
    item = f"{collection}/{name}" + random.choice(("", "", "", "/status", "/scale"))
    if verb < 0.7:
        return "PUT", item + query, body(resource, random, name), "application/json"
    kind = random.choice(PATCHES)
    if kind == "application/json-patch+json":
        return "PATCH", item + query, json.dumps(operations(random)).encode(), kind
    if kind == "application/apply-patch+yaml" and "fieldManager" not in query:
        query = "?fieldManager=nonsense&force=true"
    return "PATCH", item + query, body(resource, random, name), kind


def body(resource, random, name):
    made = manifest(resource, random, name)
    if isinstance(made, dict) and random.random() < 0.95:
        made = {"apiVersion": resource.api_version, "kind": resource.object_kind, **made}
    data = json.dumps(made).encode()
    if random.random() < 0.03:
        cut = random.randrange(len(data))
        data = data[:cut] + random.randbytes(3) + data[cut:]
    return data


def operations(random):
    paths = (
        "/spec",
        "/metadata/labels/a",
        "/spec/containers/0/image",
        "/",
        "",
        "/spec/-",
        "/~2",
        "a",
    )
    return [
        {
            "op": random.choice(("add", "remove", "replace", "move", "copy", "test", "frobnicate")),
            "path": random.choice(paths),
            "from": random.choice(paths),
            "value": random.choice((*WRONG[:-1], *TEXTS)),
        }
        for _ in range(random.randrange(4))
    ]
