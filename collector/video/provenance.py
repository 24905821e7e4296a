"""Reads a C2PA manifest ("content credentials"), offline. Child process only. Absence proves nothing."""

import json
import os
from typing import Any

import c2pa

from collector.video.ffmpeg import Header, read_header
from collector.video.probed import Order, Provenance

ABSENT = (
    "No content credentials in this file. Absence proves nothing: "
    "most cameras write none, and platforms strip them"
)
PRESENT = (
    "Content credentials found. They say how the file was made and changed, not that what it shows is true"
)
BROKEN = "Content credentials found, but they do not hold: the file was changed after it was signed"
UNREADABLE = "Content credentials could not be read from this file"
TYPES = {
    "jpeg_pipe": "image/jpeg",
    "png_pipe": "image/png",
    "webp_pipe": "image/webp",
    "gif": "image/gif",
    "avi": "video/avi",
}
# A manifest may name others by address, and certificates may be asked for: nothing is fetched from here.
OFFLINE = {"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False}}


def task(file: int, order: Order) -> Provenance:
    """What the file's manifest says, each text shortened; `note` is a sentence for the page."""
    kind = _kind(read_header(file, order.limits))
    if kind is None:
        return Provenance(False, ABSENT)
    try:
        with os.fdopen(os.dup(file), "rb") as stream:
            found = c2pa.Reader(kind, stream, context=c2pa.Context(c2pa.Settings.from_dict(OFFLINE)))
            return _told(json.loads(found.json()))
    except c2pa.C2paError.ManifestNotFound:
        return Provenance(False, ABSENT)
    except (c2pa.C2paError, ValueError):
        return Provenance(False, UNREADABLE)


def _kind(header: Header) -> str | None:
    return "video/mp4" if header.container.startswith("mov,") else TYPES.get(header.container)


def _told(store: dict[str, Any]) -> Provenance:
    manifest = store.get("manifests", {}).get(store.get("active_manifest"), {})
    state = store.get("validation_state", "Invalid")
    asserted = manifest.get("assertions", [])
    listed = [each["data"] for each in asserted if each.get("label", "").startswith("c2pa.actions")]
    actions = [str(act.get("action"))[:60] for each in listed for act in each.get("actions", [])]
    maker = (manifest.get("claim_generator_info") or [{}])[0].get("name") or manifest.get("claim_generator")
    signer = (manifest.get("signature_info") or {}).get("issuer")
    return Provenance(
        found=True,
        note=BROKEN if state == "Invalid" else PRESENT,
        valid=state != "Invalid",
        trusted=state == "Trusted",
        signed_by=signer and str(signer)[:200],
        made_with=maker and str(maker)[:200],
        actions=list(dict.fromkeys(actions))[:20],
    )
