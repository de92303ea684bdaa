"""The one way through: config → container → image → plan → populate (→ emit).

Read this file first. Each stage is named as in the documentation and in `-v` output; emit is the caller's (the
modules of `xlbuild.emit`), because only it writes.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

from xlbuild.config.model import GuestConfig
from xlbuild.container import SYSTEM_FIRMWARE_MODULE, Container, Kind, decide
from xlbuild.domain import Domain, Input, InputFiles, Unplanned
from xlbuild.errors import (
    ConfigError,
    Diagnostic,
    FilesError,
    RefusedError,
    StrictError,
    UsageError,
    Where,
    XlbuildError,
    raise_all,
)
from xlbuild.hooks import hooks_for
from xlbuild.hooks.base import build_memory
from xlbuild.hooks.budget import plan_or_budget
from xlbuild.host import Host
from xlbuild.image import load_kernel, prepare_module
from xlbuild.image.model import KernelImage
from xlbuild.image.verdict import Unpack, unpack
from xlbuild.libxl.domain import DomainConfig
from xlbuild.plan.layout import LayoutError
from xlbuild.plan.model import BuildRequest, FirmwareModule, Module, Plan, PlanFor
from xlbuild.profiles import Profile
from xlbuild.reading import read_config
from xlbuild.rules import Severity, rule_of
from xlbuild.travel import check_container

OnStage = Callable[[str, str], None]
"""Called when a stage starts: its name, and what it works on, in words."""

OnWarning = Callable[[Diagnostic], None]
"""Called with each warning as it is found, so that none is lost when a later stage refuses the guest."""

OnUnplanned = Callable[[Unplanned], None]
"""Called with a guest that gets no plan, before the error that says why: its map goes as far as it got."""

Kernel: TypeAlias = tuple[Input, KernelImage]
"""A kernel's file, and what was loaded of it."""


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """What is not in the configuration but changes the build."""

    profile: Profile
    fill_hypercall_page: bool = True
    features: str | None = None
    """What a PV guest is to have on request, names joined by `|`: libxenguest's callers can say so, xl does not."""
    mfn_base: int = 0
    """Machine frame of a PV guest's frame 0. Not 0 only where the maths is tested: identity would hide mix-ups."""
    host: Host | None = None
    """What is known of the host that the guest is to run on."""
    host_file: Input | None = None
    """Where that is from."""
    strict: bool = False
    """Whether warnings stop the build."""
    plan_for: PlanFor = PlanFor.CREATE
    """How the domain is to be started."""
    set_memory_map: bool = False
    """Whether a PVH guest is to tell the hypervisor its memory map before its kernel starts, as no restore does."""


@dataclass(frozen=True, slots=True)
class Guest:
    """A guest whose container is decided, with all that its build goes on with; none of its files is read yet."""

    config: GuestConfig
    domain_config: DomainConfig
    """The configuration as libxl has it."""
    container: Container
    options: BuildOptions
    files: InputFiles
    told: "Told"
    on_stage: OnStage
    on_unplanned: OnUnplanned


def build_domain(
    data: bytes,
    source: str,
    overrides: Sequence[str],
    options: BuildOptions,
    files: InputFiles,
    on_stage: OnStage,
    on_warning: OnWarning,
) -> Domain:
    """Build a domain from a configuration's bytes, or raise an XlbuildError that says why not.

    The caller has said that the config stage starts: reading the file is part of it. Strict options make errors of
    warnings (StrictError), once all that can be told has been found.
    """
    guest = begin_guest(data, source, overrides, options, files, on_stage, on_warning, lambda _: None)
    return finish_guest(guest)


def begin_guest(
    data: bytes,
    source: str,
    overrides: Sequence[str],
    options: BuildOptions,
    files: InputFiles,
    on_stage: OnStage,
    on_warning: OnWarning,
    on_unplanned: OnUnplanned,
) -> Guest:
    """Take a configuration through the first two stages; arguments and errors are those of `build_domain`."""
    told = Told(on_warning, options.strict)
    with told.with_what_stops():
        reading = read_config(data, source, overrides, options.profile)
        told.tell(reading.warnings, ConfigError)
        raise_all(reading.errors)
        config, domain_config = reading.guest, reading.domain_config
        assert domain_config is not None
        on_stage("container", f"{config.name}, as Xen {options.profile.name} builds it")
        container = decide(config, options.profile, options.host)
        told.tell(container.warnings, ConfigError)
        if options.plan_for is PlanFor.RESTORE or options.set_memory_map:
            _check_travel(container, config)
        if options.set_memory_map and container.kind is Kind.PV:
            raise _no_memory_map_to_set(source)
    return Guest(config, domain_config, container, options, files, told, on_stage, on_unplanned)


def _check_travel(container: Container, config: GuestConfig) -> None:
    try:
        check_container(container)
    except RefusedError as error:
        error.where = place_of_setting(error, config) or error.where
        raise


def _no_memory_map_to_set(source: str) -> UsageError:
    return UsageError(
        "no-memory-map-to-set",
        f"{source} is no PVH guest, and only such a guest can be made to set its memory map",
        cause="it is a PV guest, whose map the configuration decides (e820_host): `xl restore` sets that one",
        hint="leave --set-memory-map out",
    )


def finish_guest(guest: Guest, kernel: Kernel | None = None) -> Domain:
    """Take a guest through all other stages but emit; errors are those of `build_domain`.

    `kernel` is the guest's, where it has been read and loaded before.
    """
    told, profile = guest.told, guest.options.profile
    with told.with_what_stops():
        inputs, plan = _planned(guest, kernel)
    if told.errors:
        raise StrictError(tuple(told.errors))
    guest.on_stage("populate", f"{len(plan.segments)} segments")
    memory = build_memory(plan, hooks_for(plan.request.image.guest_type))
    return Domain(guest.domain_config, guest.container, profile, inputs, plan, memory, tuple(told.warnings))


def _planned(guest: Guest, kernel: Kernel | None) -> tuple[tuple[Input, ...], Plan]:
    container, told = guest.container, guest.told
    guest.on_stage("image", f"{container.kind.value.upper()} ({container.reason})")
    if kernel is None:
        kernel = load_kernel_file(guest.config, container, guest.options, guest.files)
    request, inputs = build_request(kernel, container, guest.options, guest.files)
    told.tell(request.image.warnings, RefusedError)
    guest.on_stage("plan", f"{request.image.guest_type.value}, {request.image.format}")
    try:
        plan = plan_domain(request)
    except RefusedError as error:
        if not str(error.where):
            error.where = place_of_setting(error, guest.config) or Where(inputs[0].path)
        guest.on_unplanned(_unplanned(request, inputs, error))
        raise
    told.tell(plan.warnings, RefusedError)
    return inputs, plan


def _unplanned(request: BuildRequest, inputs: tuple[Input, ...], error: RefusedError) -> Unplanned:
    if isinstance(error, LayoutError):
        return Unplanned(request, inputs, error.so_far, error, error.reason)
    return Unplanned(request, inputs, (), error, error.cause)


class Told:
    """The warnings of a build, each told as it is found; a strict build keeps them, but for notes, as errors."""

    def __init__(self, on_warning: OnWarning, strict: bool) -> None:
        """Start with none."""
        self._on_warning = on_warning
        self._strict = strict
        self.warnings: list[Diagnostic] = []
        self.errors: list[XlbuildError] = []

    def tell(self, warnings: tuple[Diagnostic, ...], kind: type[ConfigError | RefusedError]) -> None:
        """Take a stage's warnings; `kind` says whose fault they are, the configuration's or the files'."""
        for warning in warnings:
            self.warnings.append(warning)
            if self._strict and rule_of(warning.code).severity is not Severity.NOTE:
                self.errors.append(
                    kind(warning.code, warning.message, hint=warning.hint, where=warning.where)
                )
            else:
                self._on_warning(warning)

    @contextmanager
    def with_what_stops(self) -> Iterator[None]:
        """Have an error that stops a strict build come with the warnings that do so, too."""
        try:
            yield
        except XlbuildError as error:
            if self.errors:
                raise StrictError(tuple(self.errors), error) from error
            raise


def place_of_setting(problem: Diagnostic | XlbuildError, config: GuestConfig) -> Where | None:
    """Return where the configuration sets what a problem of no file has to do with; None where it does not."""
    keys = _KEYS.get(problem.code, ())
    return next((config.where(key) for key in keys if key in config.places), None)


_KEYS = {
    "memory-too-small": ("memory", "maxmem", "vnuma"),
    "module-cmdline-too-long": ("cmdline", "extra", "root"),
    "too-many-vcpus": ("maxvcpus", "vcpus"),
    "memory-map-too-long": ("rdm", "pci"),
    "reserved-memory-conflict": ("rdm", "pci"),
    "reserved-memory-ignored": ("rdm", "pci"),
    "save-hvm": ("type", "builder"),
    "save-populate-on-demand": ("maxmem", "memory"),
}
"""Keys that have to do with a problem of no file, the likeliest first."""


def plan_domain(request: BuildRequest) -> Plan:
    """Return the plan of a domain; a guest that is too small is told what it needs."""
    return plan_or_budget(request, hooks_for(request.image.guest_type))


def build_request(
    kernel: Kernel, container: Container, options: BuildOptions, files: InputFiles
) -> tuple[BuildRequest, tuple[Input, ...]]:
    """Read the files beside the kernel that the container asks for, and make of each what the builder loads."""
    kernel_file, image = kernel
    module_files = [files.read(wanted.file) for wanted in container.modules]
    firmware = [(name, files.read(wanted)) for name, wanted in container.firmware_modules if wanted]
    request = BuildRequest(
        container=container,
        profile=options.profile,
        image=image,
        modules=tuple(
            _module(f"module{index}", file, wanted.command_line, options.profile)
            for index, (file, wanted) in enumerate(zip(module_files, container.modules, strict=True))
        ),
        firmware_modules=tuple(
            _firmware_module(name, file)
            for name, file in firmware
            if file.data or name == SYSTEM_FIRMWARE_MODULE
        ),
        fill_hypercall_page=options.fill_hypercall_page,
        mfn_base=options.mfn_base,
        plan_for=_plan_for(container, options),
    )
    host_file = (options.host_file,) if options.host_file else ()
    return request, (kernel_file, *module_files, *(file for _, file in firmware), *host_file)


def _plan_for(container: Container, options: BuildOptions) -> PlanFor:
    """Return what a guest is laid out for: nothing but its memory map makes a difference in an HVM container."""
    if container.is_hvm_container:
        return PlanFor.RESTORE if options.set_memory_map else PlanFor.CREATE
    return options.plan_for


def _module(name: str, file: Input, command_line: str | None, profile: Profile) -> Module:
    content = prepare_module(file.data, profile, name=file.path, what=file.role.value)
    return Module(name, content, command_line)


def _firmware_module(name: str, file: Input) -> FirmwareModule:
    if name == SYSTEM_FIRMWARE_MODULE and not file.data:
        raise RefusedError(
            "firmware-empty",
            f"the {file.role.value} {file.path} is empty",
            cause="hvmloader has nothing to start",
            hint="give another file, or leave the choice to the distribution",
            where=Where(file.path),
        )
    return FirmwareModule(name, file.data)


def load_kernel_file(
    config: GuestConfig,
    container: Container,
    options: BuildOptions,
    files: InputFiles,
    unpack: Unpack = unpack,
) -> Kernel:
    """Read and load the kernel; for a configuration meant for Arm, a failure says just that."""
    try:
        file = files.read(container.kernel)
        image = load_kernel(
            file.data,
            name=file.path,
            hvm_container=container.is_hvm_container,
            profile=options.profile,
            firmware=container.has_device_model,
            features=options.features,
            unpack=unpack,
        )
    except (FilesError, RefusedError) as error:
        if keys := config.arm_keys:
            raise _meant_for_arm(config, keys, error) from error
        raise
    return file, image


def _meant_for_arm(
    config: GuestConfig, keys: tuple[str, ...], error: FilesError | RefusedError
) -> ConfigError:
    return ConfigError(
        "config-for-arm",
        "this is the configuration of an Arm guest, and xlbuild builds x86 guests",
        cause=f"it sets {', '.join(keys)}, and its kernel is none for x86: {error.message}",
        hint="build Arm guests with xl on an Arm host; for an x86 guest, remove these keys and give an x86 kernel",
        where=config.where(keys[0]),
    )
