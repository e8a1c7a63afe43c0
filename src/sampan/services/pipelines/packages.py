"""Packages: what users upload, and the text of the pipeline in it.

YAML and JSON by the ends of their names; else an archive by its first bytes: of a zip or a
compressed tar the file `pipeline.yaml`, or the first one if that is YAML. Nothing is unpacked to a
disk, and nothing grows beyond what an upload may be.
Upstream: server/util.go (ReadPipelineFile).
"""

from __future__ import annotations

import io
import tarfile
import zipfile
import zlib
from typing import Any

from sampan.kinds.pipelines import legacy
from sampan.kinds.pipelines.ir import documents
from sampan.kinds.pipelines.ir.faults import Invalid
from sampan.kube.names import ARGO_GROUP
from sampan.lib import yaml
from sampan.services.errors import Refused, invalid

MOST = 32 << 20
"""Bytes of a file, and of what it unpacks to."""
_TEXT = (".yaml", ".yml", ".json")
_YAML = (".yaml", ".yml")
_FILE = "pipeline.yaml"
_PIECE = 1 << 20
_MOST_MEMBERS = 10_000


def read(name: str, data: bytes) -> dict[str, Any]:
    """The documents of the pipeline in a file of this name, as `pipeline_spec` of the API has
    them. Raises Refused."""
    text = _text(name, data)
    try:
        if (workflow := _workflow(text)) is not None:
            return workflow
        return documents.joined(documents.read(text))
    except Invalid as error:
        raise invalid(f"pipeline spec is invalid: {error.message}") from None
    except RecursionError:
        raise invalid("pipeline spec is invalid: it is nested too deeply") from None


def _workflow(text: bytes) -> dict[str, Any] | None:
    if ARGO_GROUP.encode() not in text:
        return None
    try:
        found = yaml.load_all(text)
    except yaml.YamlError as error:
        raise Invalid(str(error)) from None
    first = found[0] if len(found) == 1 else None
    return first if isinstance(first, dict) and legacy.is_workflow(first) else None


def _text(name: str, data: bytes) -> bytes:
    if len(data) > MOST:
        raise too_large(len(data))
    if name.endswith(_TEXT):
        return data
    if data.startswith(b"PK"):
        return _of_zip(data)
    if data.startswith(b"\x1f\x8b"):
        return _of_tar(data)
    raise invalid("Unexpected pipeline file format. Support .zip, .tar.gz, .json or YAML")


def too_large(size: int) -> Refused:
    return invalid(
        f"File size too large ({size} bytes). Maximum supported size: {MOST}. Consider moving large"
        " embedded artifacts or notebooks or Python code into a container image or object store."
    )


def _of_zip(data: bytes) -> bytes:
    fault = "Error extracting pipeline from the zip file."
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            if not members:
                raise invalid(f"{fault} Empty zip file")
            chosen = next((each for each in members if each.filename == _FILE), members[0])
            _check_name(chosen.filename, fault, "zip")
            with archive.open(chosen) as file:
                found = file.read(MOST + 1)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, OSError, EOFError,
            ValueError, OverflowError) as error:  # fmt: skip
        raise invalid(f"{fault} Not a valid zip file: {error}") from None
    if len(found) > MOST:
        raise too_large(len(found))
    return found


def _of_tar(data: bytes) -> bytes:
    fault = "Error extracting pipeline from the tarball file."
    try:
        with tarfile.open(fileobj=io.BytesIO(_gunzipped(data))) as archive:
            first = chosen = None
            for number, member in enumerate(archive):
                if number > _MOST_MEMBERS:
                    raise invalid(f"{fault} It has more than {_MOST_MEMBERS} members")
                first = first or member
                if member.name == _FILE and member.isreg():
                    chosen = member
                    break
            chosen = chosen or first
            if chosen is None:
                raise invalid(f"{fault} Not a valid tarball file: it is empty")
            _check_name(chosen.name, fault, "tarball")
            file = archive.extractfile(chosen) if chosen.isreg() else None
            if file is None:
                raise invalid(f"{fault} {chosen.name} is no file")
            return file.read()
    except (tarfile.TarError, zlib.error, EOFError, OSError, ValueError, OverflowError) as error:
        raise invalid(f"{fault} Not a valid tarball file: {error}") from None


def _gunzipped(data: bytes) -> bytes:
    found = bytearray()
    stream = zlib.decompressobj(wbits=31)
    rest = data
    while rest and not stream.eof:
        found += stream.decompress(rest, _PIECE)
        rest = stream.unconsumed_tail
        if len(found) > MOST:
            raise too_large(len(found))
    return bytes(found)


def _check_name(name: str, fault: str, kind: str) -> None:
    if not name.endswith(_YAML):
        raise invalid(
            f"{fault} Expecting a pipeline.yaml file inside the {kind}. Got: {name[:200]}"
        )
