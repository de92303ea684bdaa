"""Whether a domain's directory is what was built: what goes on from there must not be something else."""

from collections.abc import Iterator

from xlbuild.built import HVM_CONTEXT_FILE, VCPU_CONTEXT_FILE, BuiltDomain
from xlbuild.emit.structures import hvm_context, pv_context
from xlbuild.errors import FilesError, Where
from xlbuild.identity import Identity
from xlbuild.inspect.domains.files import file_problems


def check_whole(identity: Identity) -> None:
    """Raise FilesError (domain-damaged) for a directory's domain that is not what its manifest says."""
    problems = [*_other_digests(identity), *file_problems(identity.built), *_other_contexts(identity.built)]
    if problems:
        raise FilesError(
            "domain-damaged",
            "it is not the domain as it was built",
            cause="\n".join(problems),
            hint="build it again, or copy all of its files from where it is whole; --as-is takes it as it is",
            where=Where(identity.built.source),
        )


def check_complete(built: BuiltDomain) -> None:
    """Raise FilesError (domain-damaged) unless all files of structures are there."""
    missing = [name for name in built.structure_files() if name not in built.structures]
    if missing:
        raise FilesError(
            "domain-damaged",
            "files of the domain are missing",
            cause=f"there is no {' and no '.join(missing)}",
            hint="build it again, or copy all of its files from where it is whole",
            where=Where(built.source),
        )


def _other_digests(identity: Identity) -> Iterator[str]:
    if identity.differing:
        yield f"domain.json records other digests: {', '.join(identity.differing)}"


def _other_contexts(built: BuiltDomain) -> Iterator[str]:
    """Yield the file of the vCPUs' entry state, where it is not the manifest's."""
    name, encoded = (VCPU_CONTEXT_FILE, pv_context) if built.is_pv else (HVM_CONTEXT_FILE, hvm_context)
    found = built.structures.get(name)
    if found is not None and found != encoded(built.vcpus):
        yield f"{name} is not what domain.json says of the vCPUs"
