"""Why a guest cannot travel: what `xl restore` does, or a save file cannot hold, that keeps it from starting.

A kind of guest is refused as soon as it is known (`check_container`), the rest when it is built (`check_travel`).
"""

from xlbuild.abi.start_info import SIF_MOD_START_PFN
from xlbuild.built import WORD_SIZES, BuiltDomain
from xlbuild.container.model import Container, Kind
from xlbuild.errors import RefusedError, Where
from xlbuild.units import FrameRange, pages_for


def check_container(container: Container) -> None:
    """Refuse a guest that cannot travel as a save file whatever its kernel is.

    Raises RefusedError (save-hvm, save-populate-on-demand), without a place.
    """
    if container.has_device_model:
        raise _device_model(container.reason)
    sizes = container.memory
    if container.is_hvm_container and sizes.target_kib < sizes.max_kib:
        raise _populate_on_demand()


def check_travel(built: BuiltDomain) -> None:
    """Refuse a built domain that cannot travel as a save file.

    Raises RefusedError as `check_container`, and save-without-memory, save-untold, save-unmapped-ramdisk,
    save-hypercall-page-empty, save-not-as-built.
    """
    error = _of_its_kind(built) or _of_its_source(built) or _of_its_layout(built)
    if error is not None:
        error.where = Where(built.source)
        raise error


def _of_its_kind(built: BuiltDomain) -> RefusedError | None:
    if built.kind is Kind.HVM:
        return _device_model(built.reason)
    return _populate_on_demand() if built.populate_on_demand is not None else None


def _of_its_source(built: BuiltDomain) -> RefusedError | None:
    if not built.has_contents:
        return RefusedError(
            "save-without-memory",
            "a manifest cannot travel as a save file",
            cause="what the guest's memory holds is not known: it is in the memory.img beside the manifest",
            hint="give the directory that `xlbuild create` wrote",
        )
    if built.untold.members or built.untold.frames:
        return RefusedError(
            "save-untold",
            "what was read from a host's file cannot travel as a save file",
            cause="the file does not tell all that a guest is started from",
            hint=_build_it(built),
        )
    return None


def _of_its_layout(built: BuiltDomain) -> RefusedError | None:
    flags = built.start_info.fields["flags"]
    assert isinstance(flags, int)
    if built.is_pv and flags & SIF_MOD_START_PFN:
        return RefusedError(
            "save-unmapped-ramdisk",
            "the guest is laid out for `xl create`, and cannot travel as a save file",
            cause="its ramdisk is not mapped, as start_info.flags says (SIF_MOD_START_PFN), and `xl restore` clears "
            "the flags: the kernel would not find it",
            hint=f"{_build_it(built)}, which maps the ramdisk",
        )
    if built.hypercall_page is not None and not built.hypercall_page.filled:
        return RefusedError(
            "save-hypercall-page-empty",
            "the kernel's hypercall page is empty, and the guest cannot travel as a save file",
            cause=f"it is in frame {built.hypercall_page.pfn:#x}; `xl create` has the hypervisor fill it, and "
            "`xl restore` does not",
            hint="build the guest without --no-hypercall-page",
        )
    return _of_its_frames(built) if built.is_pv else None


def _of_its_frames(built: BuiltDomain) -> RefusedError | None:
    """Return why a PV guest's frames are none that any build makes: a restore takes them for all from 0 on."""
    width = WORD_SIZES[built.guest_type]
    p2m = built.segment("phys2mach")
    assert p2m is not None
    if built.populated != (FrameRange.of(0, built.total_pages),):
        cause = f"it has {built.total_pages} pages of memory, and they are not the frames from 0 on"
    elif p2m.pages < pages_for(built.total_pages * width):
        cause = f"its p2m list has {p2m.pages} pages, too few for the {built.total_pages} of its memory"
    else:
        return None
    return RefusedError(
        "save-not-as-built",
        "the domain is not as it was built, and cannot travel as a save file",
        cause=f"by its domain.json, {cause}",
        hint="build the domain again",
    )


def _build_it(built: BuiltDomain) -> str:
    return f"build it from its configuration: xlbuild create --format save --xen {built.profile} CONFIG"


def _device_model(reason: str) -> RefusedError:
    return RefusedError(
        "save-hvm",
        "an HVM guest cannot travel as a save file",
        cause=f"it is one by {reason}; its save file would need the state of its device model, a program that runs "
        "on the host only",
        hint='use type = "pvh" if its kernel can, or have the host create it; a directory or a dump-core can be had '
        "of it",
    )


def _populate_on_demand() -> RefusedError:
    return RefusedError(
        "save-populate-on-demand",
        "a guest whose memory is populated on demand cannot travel as a save file",
        cause="memory is less than maxmem, and a save file cannot say of a page that it comes when it is touched",
        hint="set maxmem to memory, or memory to maxmem",
    )
