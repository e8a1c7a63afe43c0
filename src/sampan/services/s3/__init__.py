"""S3 for clients in pods and outside: the local repository over HTTP, as boto3 and minio ask.

    signature   who asks: SigV4 in headers or in the URL; the access key says which namespace
    chunks      bodies that come in signed pieces
    call        one request: its bucket and key, its body on its way to a file
    server      which request is what; objects, lists, uploads carry it out
    documents   XML, in and out
    credentials the Secret of each namespace with its keys

Path style only. What would have to be remembered of a bucket or object and is not (policies, ACLs,
versions, tags, encryption) is refused. Upstream: the S3 API of Amazon, as MinIO has it.
"""
