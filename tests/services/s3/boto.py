"""boto3 at work, in an environment of its own: prints what it saw as JSON. Not a test itself.

boto.py ENDPOINT ACCESS_KEY SECRET_KEY
"""

import io
import json
import sys
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

endpoint, access, secret = sys.argv[1:]
KEY = "a/b c+ü~tar"
s3 = boto3.client(
    "s3", endpoint_url=f"http://{endpoint}", aws_access_key_id=access,
    aws_secret_access_key=secret, region_name="us-east-1",
    config=Config(signature_version="s3v4", retries={"max_attempts": 1}),
)  # fmt: skip
seen = {}


def code(call, **given):
    try:
        call(**given)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return ""


def put(**given):
    return s3.put_object(Bucket="data", **given)


def read(key, **given):
    return s3.get_object(Bucket="data", Key=key, **given)["Body"].read().decode()


def pages(operation, **given):
    size = {"PageSize": 5}
    asked = {"Bucket": "data", "Prefix": "many/", "PaginationConfig": size, **given}
    return s3.get_paginator(operation).paginate(**asked)


def stranger(access, secret):
    return boto3.client(
        "s3", endpoint_url=f"http://{endpoint}", aws_access_key_id=access,
        aws_secret_access_key=secret, region_name="us-east-1",
    )  # fmt: skip


seen["first buckets"] = [each["Name"] for each in s3.list_buckets()["Buckets"]]
s3.create_bucket(Bucket="data")
seen["again"] = code(s3.create_bucket, Bucket="data")
seen["head"] = s3.head_bucket(Bucket="data")["ResponseMetadata"]["HTTPStatusCode"]
seen["no bucket"] = code(s3.list_objects_v2, Bucket="none")
seen["location"] = s3.get_bucket_location(Bucket="data")["LocationConstraint"]

first = put(Key=KEY, Body=b"content", Metadata={"k": "v"}, ContentType="text/x-mine")
got = s3.get_object(Bucket="data", Key=KEY)
seen["object"] = [got["Body"].read().decode(), got["Metadata"], got["ContentType"]]
seen["same tag"] = first["ETag"] == got["ETag"]
head = s3.head_object(Bucket="data", Key=KEY)
seen["size"] = head["ContentLength"]
seen["range"] = read(KEY, Range="bytes=2-4")
seen["tail"] = read(KEY, Range="bytes=-3")
seen["bad range"] = code(s3.get_object, Bucket="data", Key=KEY, Range="bytes=9-")
seen["unchanged"] = code(s3.get_object, Bucket="data", Key=KEY, IfNoneMatch=got["ETag"])
seen["only if new"] = code(s3.put_object, Bucket="data", Key=KEY, Body=b"", IfNoneMatch="*")
seen["no key"] = code(s3.get_object, Bucket="data", Key="none")
seen["bad key"] = code(put, Key="a/../b", Body=b"")
seen["empty"] = s3.put_object(Bucket="data", Key="empty", Body=b"")["ETag"]
seen["checksum"] = code(
    s3.put_object, Bucket="data", Key="sum", Body=b"x", ChecksumCRC32="AAAAAA=="
)
seen["sha256"] = code(
    s3.put_object, Bucket="data", Key="sum", Body=b"x", ChecksumAlgorithm="SHA256"
)
seen["acl"] = code(put, Key="sum", Body=b"x", ACL="public-read")
seen["tagging"] = code(s3.get_object_tagging, Bucket="data", Key="empty")

s3.copy_object(Bucket="data", Key="copy", CopySource={"Bucket": "data", "Key": KEY})
got = s3.get_object(Bucket="data", Key="copy")
seen["copy"] = [got["Body"].read().decode(), got["Metadata"]]

for n in range(12):
    s3.put_object(Bucket="data", Key=f"many/{n:02d}/x", Body=b"1")
found = pages("list_objects_v2")
seen["pages"] = [[each["Key"] for each in page.get("Contents", [])] for page in found]
found = pages("list_objects", Delimiter="/")
seen["prefixes"] = [[each["Prefix"] for each in page.get("CommonPrefixes", [])] for page in found]
seen["top"] = [
    [each["Key"] for each in s3.list_objects_v2(Bucket="data", Delimiter="/").get("Contents", [])],
    [each["Prefix"] for each in s3.list_objects_v2(Bucket="data", Delimiter="/")["CommonPrefixes"]],
]
gone = s3.delete_objects(Bucket="data", Delete={"Objects": [{"Key": "many/00/x"}, {"Key": "nope"}]})
seen["deleted"] = [each["Key"] for each in gone["Deleted"]]

big = bytes(range(256)) * 4096 * 20
s3.upload_fileobj(io.BytesIO(big), "data", "big")
out = io.BytesIO()
s3.download_fileobj("data", "big", out)
seen["big"] = out.getvalue() == big
seen["big tag"] = s3.head_object(Bucket="data", Key="big")["ETag"].endswith('-3"')
s3.copy({"Bucket": "data", "Key": "big"}, "data", "big2")
seen["big copy"] = s3.head_object(Bucket="data", Key="big2")["ContentLength"] == len(big)
upload = s3.create_multipart_upload(Bucket="data", Key="parts")["UploadId"]
part = s3.upload_part(Bucket="data", Key="parts", UploadId=upload, PartNumber=2, Body=b"two")
about = {"Bucket": "data", "Key": "parts", "UploadId": upload}
seen["parts"] = [each["PartNumber"] for each in s3.list_parts(**about)["Parts"]]
wanted = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
seen["no part"] = code(s3.complete_multipart_upload, **about, MultipartUpload=wanted)
seen["other key"] = code(s3.abort_multipart_upload, Bucket="data", Key="other", UploadId=upload)
begun = s3.list_multipart_uploads(Bucket="data", Prefix="par")["Uploads"]
seen["begun"] = [(each["Key"], each["UploadId"] == upload) for each in begun]
seen["begun elsewhere"] = "Uploads" in s3.list_multipart_uploads(Bucket="data", Prefix="x")
s3.abort_multipart_upload(Bucket="data", Key="parts", UploadId=upload)
seen["begun still"] = "Uploads" in s3.list_multipart_uploads(Bucket="data")
seen["aborted"] = code(s3.list_parts, Bucket="data", Key="parts", UploadId=upload)
seen["bad upload"] = code(s3.list_parts, Bucket="data", Key="parts", UploadId="../../etc")

asked = {"Bucket": "data", "Key": "copy"}
url = s3.generate_presigned_url("get_object", Params=asked, ExpiresIn=60)
seen["presigned"] = urllib.request.urlopen(url).read().decode()
asked = {"Bucket": "data", "Key": "by url"}
url = s3.generate_presigned_url("put_object", Params=asked, ExpiresIn=60)
urllib.request.urlopen(urllib.request.Request(url, b"sent", {"Content-Type": ""}, method="PUT"))
seen["put by url"] = read("by url")

seen["wrong secret"] = code(stranger(access, "x").list_buckets)
seen["wrong key"] = code(stranger("x", "x").list_buckets)
seen["not empty"] = code(s3.delete_bucket, Bucket="data")
for page in s3.get_paginator("list_objects_v2").paginate(Bucket="data"):
    for each in page.get("Contents", []):
        s3.delete_object(Bucket="data", Key=each["Key"])
s3.delete_bucket(Bucket="data")
seen["last buckets"] = [each["Name"] for each in s3.list_buckets()["Buckets"]]
print(json.dumps(seen))
