"""What a configuration's author should know though the guest is built: keys that do not do what they seem to."""

from collections.abc import Iterator

from xlbuild.config.model import GuestConfig
from xlbuild.container.device_model import is_cirrus
from xlbuild.container.files import PVGRUBS, is_hvmloader, shim_command_line
from xlbuild.container.model import Kind, MemorySizes
from xlbuild.container.sizes import DEFAULT_PV_MIB
from xlbuild.errors import Diagnostic

_TRADITIONAL_CIRRUS_MIB = 4


def advice(config: GuestConfig, kind: Kind, memory: MemorySizes, traditional: bool) -> Iterator[Diagnostic]:
    """Yield the warnings for a guest of this kind."""
    if kind is Kind.PV:
        yield from _for_pv(config)
    if kind is Kind.PVH:
        yield from _for_pvh(config)
    if kind is Kind.HVM:
        yield from _for_hvm(config, traditional)
    if config.vcpus == 0:
        yield _warning(
            config, "config-vcpus", "vcpus", "vcpus is 0: no vCPU is online at start", "write vcpus = 1"
        )
    if kind is not Kind.PV and memory.target_kib > memory.max_kib:
        yield _warning(
            config,
            "config-maxmem",
            "maxmem",
            "maxmem is less than memory, and it is what counts",
            "correct one of them",
        )


def _for_pv(config: GuestConfig) -> Iterator[Diagnostic]:
    if config.memory is None and config.maxmem is None:
        message = f"memory is not set: the guest gets {DEFAULT_PV_MIB} MiB"
        yield _warning(config, "config-memory", "memory", message, "set memory in MiB: memory = 256")
    elif config.memory is not None and config.maxmem is not None and config.maxmem < config.memory:
        message = "maxmem is less than memory, and a PV guest gets memory all the same"
        yield _warning(config, "config-maxmem", "maxmem", message, "correct one of them")


def _for_pvh(config: GuestConfig) -> Iterator[Diagnostic]:
    if config.pvshim_path is not None and not config.pvshim:
        message = "pvshim_path starts the shim though pvshim is not set, as it does in libxl"
        if config.pvshim_cmdline is None:
            message += f"; its command line is {shim_command_line(config)!r}"
        yield _warning(
            config, "config-pvshim-path", "pvshim_path", message, "set pvshim = 1, or remove pvshim_path"
        )


def _for_hvm(config: GuestConfig, traditional: bool) -> Iterator[Diagnostic]:
    if is_hvmloader(config):
        message = "kernel names hvmloader, which every HVM guest has: it is ignored"
        yield _warning(
            config,
            "config-kernel",
            "kernel",
            message,
            "remove kernel; another hvmloader goes into firmware_override",
        )
    elif config.kernel is not None:
        message = (
            "the device model boots this kernel: neither it nor its ramdisk and command line are in the image"
        )
        yield _warning(config, "config-device-model-kernel", "kernel", message, None)
    if config.firmware in PVGRUBS:
        message = (
            f'firmware="{config.firmware}" is for PV and PVH: an HVM guest takes it for hvmloader\'s path'
        )
        yield _warning(
            config, "config-firmware", "firmware", message, 'remove firmware, or use type = "pv" or "pvh"'
        )
    if config.bios_path_override is not None and config.bios is None:
        yield _warning(
            config,
            "config-bios-path-override",
            "bios_path_override",
            "bios_path_override without bios",
            "say which bios it is",
        )
    if named := sorted({node.pnode or 0 for node in config.vnuma} - {0}):
        nodes = ", ".join(map(str, named))
        message = f"the host's NUMA nodes are not known here: those named ({nodes}) are taken to be there"
        yield _warning(config, "config-vnuma-nodes", "vnuma", message, None)
    if traditional and is_cirrus(config) and config.videoram not in (None, _TRADITIONAL_CIRRUS_MIB):
        message = (
            "qemu-xen-traditional's cirrus card has 4 MiB; videoram is taken off the memory all the same"
        )
        yield _warning(config, "config-videoram", "videoram", message, "remove videoram")


def _warning(config: GuestConfig, code: str, key: str, message: str, hint: str | None) -> Diagnostic:
    return Diagnostic(code, message, config.where(key), hint)
