"""The digests of a domain: of its memory, of each segment, and of everything the guest can see.

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
from xlbuild.plan.model import Segment

DOMAIN_DIGEST_PARTS: tuple[str, ...] = (
    "container",
    "event_channels",
    "grants",
    "guest_type",
    "hvm_params",
    "hypercall_page",
    "memory",
    "memory_map",
    "populated",
    "vcpus",
)
"""The manifest's members (and the memory digest) that the domain digest covers."""


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
    """Return the domain digest: sha256 of UTF-8 JSON, keys sorted, no spaces, of DOMAIN_DIGEST_PARTS.

    Virtual NUMA nodes are a part where there are any, but for the host's nodes, which the guest does not see.
    """
    parts = {name: manifest[name] for name in DOMAIN_DIGEST_PARTS if name != "memory"}
    parts["memory"] = memory
    if isinstance(vnuma := manifest["vnuma"], Mapping):
        parts["vnuma"] = {name: value for name, value in vnuma.items() if name != "vnode_to_pnode"}
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()
