"""minio-py at work, in an environment of its own: prints what it saw as JSON. Not a test itself.

minio_client.py ENDPOINT ACCESS_KEY SECRET_KEY
"""

import io
import json
import sys
from datetime import timedelta
from urllib.request import urlopen

from minio import Minio
from minio.commonconfig import CopySource
from minio.deleteobjects import DeleteObject
from minio.error import S3Error

endpoint, access, secret = sys.argv[1:]
client = Minio(endpoint, access_key=access, secret_key=secret, secure=False)
seen = {"pipelines": client.bucket_exists("mlpipeline"), "none": client.bucket_exists("none")}
client.make_bucket("minio")
client.put_object("minio", "a/ü b", io.BytesIO(b"content"), 7, metadata={"k": "v"})
found = client.stat_object("minio", "a/ü b")
seen["object"] = [found.size, found.metadata["x-amz-meta-k"]]
seen["content"] = client.get_object("minio", "a/ü b").read().decode()
seen["part"] = client.get_object("minio", "a/ü b", offset=2, length=3).read().decode()
big = b"0123456789abcdef" * (1 << 20)
client.put_object("minio", "big", io.BytesIO(big), -1, part_size=5 << 20)
seen["big"] = client.get_object("minio", "big").read() == big
client.copy_object("minio", "copy", CopySource("minio", "a/ü b"))
seen["keys"] = [each.object_name for each in client.list_objects("minio", recursive=True)]
seen["top"] = [each.object_name for each in client.list_objects("minio")]
url = client.presigned_get_object("minio", "copy", timedelta(seconds=60))
seen["presigned"] = urlopen(url).read().decode()
keys = [DeleteObject(name) for name in seen["keys"]]
seen["errors"] = len(list(client.remove_objects("minio", keys)))
client.remove_bucket("minio")
try:
    client.stat_object("mlpipeline", "none")
except S3Error as error:
    seen["missing"] = error.code
print(json.dumps(seen))
