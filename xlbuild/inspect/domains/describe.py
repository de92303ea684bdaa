"""A built domain described: what it is, what lies where, and what its guest finds when it starts.

Start info, page tables, registers and tables are decoded from the memory image and from the structures' files, not
copied from the manifest; where the two disagree, `problems` says so.
"""

from collections.abc import Callable, Iterator
from itertools import islice

from xlbuild.built import BuiltDomain, BuiltKernel, Verification
from xlbuild.inspect.domains.files import describe_hypercall_page, describe_shared_info, file_problems
from xlbuild.inspect.domains.hvm_info import describe_hvm_info, hvm_info_problems
from xlbuild.inspect.domains.lists import (
    describe_event_channels,
    describe_grants,
    describe_hvm_params,
    describe_memory,
    describe_regions,
    describe_vnuma,
)
from xlbuild.inspect.domains.p2m_list import describe_p2m, p2m_problems
from xlbuild.inspect.domains.start_info import describe_memory_map, describe_start_info, start_info_problems
from xlbuild.inspect.domains.vcpu_state import describe_vcpus, vcpu_problems
from xlbuild.inspect.tree import Branch, Tree, hexadecimal
from xlbuild.plan.model import PlanFor

_MOST_PROBLEMS = 64

_SECTIONS: tuple[tuple[str, Callable[[BuiltDomain], Tree]], ...] = (
    ("memory", describe_memory),
    ("memory_map", lambda built: describe_memory_map(built.memory_map)),
    ("map", describe_regions),
    ("start_info", describe_start_info),
    ("hvm_info_table", describe_hvm_info),
    ("shared_info", describe_shared_info),
    ("vcpus", describe_vcpus),
    ("p2m", describe_p2m),
    ("hypercall_page", describe_hypercall_page),
    ("hvm_params", describe_hvm_params),
    ("grants", describe_grants),
    ("event_channels", describe_event_channels),
    ("vnuma", describe_vnuma),
)
"""What is described, in this order; a section that is None or empty for a domain is left out."""

_PROBLEMS: tuple[Callable[[BuiltDomain], Iterator[str]], ...] = (
    start_info_problems,
    hvm_info_problems,
    vcpu_problems,
    p2m_problems,
    file_problems,
)
"""Where the manifest and what lies beside it are held against each other."""


def describe_domain(built: BuiltDomain, verification: Verification | None = None) -> Branch:
    """Return a domain's description; with `verification`, whether memory and manifest are as they were built.

    `problems` has a sentence for each disagreement, 64 at most; none where all is well.
    """
    sections = ((name, describe(built)) for name, describe in _SECTIONS)
    return {
        **_identity(built),
        **{name: section for name, section in sections if section not in (None, [], {})},
        "digests": _digests(built, verification),
        "problems": domain_problems(built, verification),
    }


def domain_problems(built: BuiltDomain, verification: Verification | None = None) -> list[str]:
    """Return a sentence for each disagreement within a built domain, 64 at most."""
    found = (problem for look in _PROBLEMS for problem in look(built))
    problems = list(islice(found, _MOST_PROBLEMS))
    if verification is not None:
        problems += _digest_problems(built, verification)
    return problems


def _identity(built: BuiltDomain) -> Branch:
    return {
        "name": built.name,
        "uuid": built.uuid,
        "container": built.kind.value,
        "reason": built.reason,
        "guest_type": built.guest_type.value,
        "profile": built.profile,
        **_plan(built),
        "kernel": _kernel(built.kernel),
        "command_line": built.command_line,
        "inputs": [
            {"role": item.role.value, "path": item.path, "size": item.size, "sha256": item.sha256}
            for item in built.inputs
        ],
    }


def _plan(built: BuiltDomain) -> Branch:
    """Return what a PV guest is laid out for; others are in one way, but for a PVH guest that sets its memory map."""
    if not built.is_pv and built.plan_for is PlanFor.CREATE:
        return {}
    means = f"laid out for `xl {built.plan_for.value}`"
    if not built.is_pv:
        means += ": it tells the hypervisor its memory map before its kernel starts"
    return {"plan": built.plan_for.value, "plan_means": means}


def _kernel(kernel: BuiltKernel) -> Branch:
    described: dict[str, Tree] = {
        "format": kernel.format,
        "packing": list(kernel.packing),
        "entry": hexadecimal(kernel.entry),
    }
    if kernel.notes is not None:
        described["notes"] = [{"name": note.name, "value": note.value} for note in kernel.notes]
    if kernel.features_active is not None:
        described["features_active"] = list(kernel.features_active)
    return described


def _digests(built: BuiltDomain, verification: Verification | None) -> Branch:
    described: dict[str, Tree] = {"domain": built.digests.domain, "memory": built.digests.memory}
    if verification is not None:
        for name, found, told in (
            ("domain", verification.digests.domain, built.digests.domain),
            ("memory", verification.digests.memory, built.digests.memory),
        ):
            described[f"{name}_means"] = (
                "matches" if found == told else f"does not match: it comes to {found}"
            )
    return described


def _digest_problems(built: BuiltDomain, verification: Verification) -> Iterator[str]:
    if verification.digests.memory != built.digests.memory:
        changed = ", ".join(verification.differing(built)) or "outside all segments"
        yield f"memory.img does not match the manifest's digest: it has been changed since ({changed})"
    elif verification.digests.domain != built.digests.domain:
        yield "domain.json does not match its own digest: it has been changed since"
    if verification.stray is not None:
        yield f"memory.img has something at frame {verification.stray:#x}, where the guest has no memory"
