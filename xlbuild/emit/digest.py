"""The digests of a domain: of its memory, of each segment, and of everything the guest can see (docs/digest.md).

memory   sha256 of `xlbuild.memory/1\\0`, then for each frame that holds a non-zero byte, ascending: the frame number
         as u64 little-endian and its 4096 bytes.
segment  the same with `xlbuild.segment/1\\0` and frame numbers counted from the segment's first, so that a segment
         that only moves keeps its digest.
domain   sha256 of a canonical JSON document: see `domain_digest`.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence

from xlbuild.built import MemoryReader
from xlbuild.domain import Digests
from xlbuild.identity import DOMAIN_DIGEST_PARTS, Identity
from xlbuild.plan.model import Segment

SCHEMA = "xlbuild.digest/1"
"""What the document of a domain's digests calls itself (docs/digest.md, digest.schema.json)."""


def memory_digests(memory: MemoryReader, segments: Sequence[Segment]) -> tuple[str, dict[str, str]]:
    """Return the memory digest and each segment's, in one pass over the pages."""
    whole = hashlib.sha256(b"xlbuild.memory/1\0")
    parts = {segment.name: hashlib.sha256(b"xlbuild.segment/1\0") for segment in segments}
    ordered = sorted(segments, key=lambda segment: segment.pfn)
    current: Segment | None = None
    for pfn, page in memory.pages():
        whole.update(pfn.to_bytes(8, "little") + page)
        if current is None or not current.pfn <= pfn < current.frames.end:
            current = next((s for s in ordered if s.pfn <= pfn < s.frames.end), None)
        if current is not None:
            parts[current.name].update((pfn - current.pfn).to_bytes(8, "little") + page)
    return whole.hexdigest(), {name: part.hexdigest() for name, part in parts.items()}


def domain_digest(manifest: Mapping[str, object], memory: str) -> str:
    """Return the domain digest: sha256 of UTF-8 JSON, keys sorted, no blanks, of DOMAIN_DIGEST_PARTS.

    Virtual NUMA nodes are a part where there are any, but for the host's nodes, which the guest does not see.
    """
    return _sha256(_entering(manifest, memory))


def part_digests(manifest: Mapping[str, object], memory: str) -> dict[str, str]:
    """Return the digest of each thing that the domain digest covers: the memory's own, else that of its JSON."""
    parts = _entering(manifest, memory)
    return {name: memory if name == "memory" else _sha256(value) for name, value in parts.items()}


def _entering(manifest: Mapping[str, object], memory: str) -> dict[str, object]:
    parts = {name: memory if name == "memory" else manifest[name] for name in DOMAIN_DIGEST_PARTS}
    if isinstance(vnuma := manifest["vnuma"], Mapping):
        parts["vnuma"] = {name: value for name, value in vnuma.items() if name != "vnode_to_pnode"}
    return parts


def _sha256(value: object) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()


def digest_document(identity: Identity) -> dict[str, object]:
    """Return a domain's digests as a document (docs/digest.md)."""
    built, recorded = identity.built, identity.recorded
    return {
        "schema": SCHEMA,
        "file": built.source,
        "kind": identity.origin.value,
        "name": built.name,
        "container": built.kind.value,
        "profile": built.profile,
        "domain": identity.digests.domain,
        "parts": dict(identity.parts),
        "segments": dict(identity.digests.segments),
        "recorded": None if recorded is None else _recorded(recorded),
        "differing": list(identity.differing),
        "untold": list(identity.untold),
    }


def _recorded(digests: Digests) -> dict[str, object]:
    return {"domain": digests.domain, "memory": digests.memory, "segments": dict(digests.segments)}
