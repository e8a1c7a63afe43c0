"""What goes wrong, by S3's codes: the HTTP status, what is said if nothing better is known."""

from __future__ import annotations

_KNOWN = {
    "AccessDenied": (403, "Access Denied."),
    "AuthorizationHeaderMalformed": (400, "The authorization header is malformed."),
    "AuthorizationQueryParametersError": (400, "The query parameters for signing are malformed."),
    "BadDigest": (400, "The content does not have the checksum that was sent."),
    "BucketAlreadyOwnedByYou": (409, "The bucket is there already and yours."),
    "BucketNotEmpty": (409, "The bucket has objects."),
    "EntityTooLarge": (400, "The object is larger than what one request may bring."),
    "EntityTooSmall": (400, "A part that is not the last one has less than 5 MiB."),
    "IncompleteBody": (400, "The body ended before its length."),
    "InvalidAccessKeyId": (403, "Nobody here has this access key."),
    "InvalidArgument": (400, "An argument makes no sense."),
    "InvalidBucketName": (400, "The bucket's name is not valid."),
    "InvalidObjectName": (400, "The key is not valid here."),
    "InvalidPart": (400, "A part is not there, or has another tag."),
    "InvalidPartOrder": (400, "The parts are not in order."),
    "InvalidRange": (416, "The range lies beyond the object."),
    "InvalidRequest": (400, "The request makes no sense."),
    "InvalidStorageClass": (400, "There is only STANDARD."),
    "InternalError": (500, "This should not have happened; the log says what did."),
    "KeyTooLongError": (400, "The key is too long."),
    "MalformedXML": (400, "The XML is not what it should be."),
    "MethodNotAllowed": (405, "The method cannot be used here."),
    "MissingContentLength": (411, "The length of the body has to be said."),
    "NoSuchBucket": (404, "The bucket does not exist."),
    "NoSuchKey": (404, "The key does not exist."),
    "NoSuchUpload": (404, "The upload does not exist: it was completed, aborted or forgotten."),
    "NotImplemented": (501, "This is not implemented here."),
    "PreconditionFailed": (412, "A condition of the request does not hold."),
    "RequestTimeTooSkewed": (403, "The request was signed more than 15 minutes ago, or will be."),
    "SignatureDoesNotMatch": (403, "The signature is not what your secret key makes of this."),
    "XAmzContentSHA256Mismatch": (400, "The content is not what was signed."),
}  # fmt: skip


class S3Error(Exception):
    """`code` is one of S3's."""

    def __init__(self, code: str, message: str = "") -> None:
        self.code = code
        self.status, otherwise = _KNOWN[code]
        self.message = message or otherwise
        super().__init__(self.message)
