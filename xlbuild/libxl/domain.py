"""libxl_domain_config: all that xl makes of a configuration (_libxl_types.h)."""

from dataclasses import dataclass
from typing import ClassVar

from xlbuild.libxl.devices import (
    DeviceChannel,
    DeviceDisk,
    DeviceDtdev,
    DeviceNic,
    DeviceP9,
    DevicePci,
    DevicePvcallsif,
    DeviceUsbctrl,
    DeviceUsbdev,
    DeviceVdispl,
    DeviceVfb,
    DeviceVirtio,
    DeviceVkb,
    DeviceVsnd,
    DeviceVtpm,
    SdlInfo,
    VncInfo,
)
from xlbuild.libxl.enums import (
    ActionOnShutdown,
    Altp2mMode,
    ArmSciType,
    BiosType,
    DeviceModelVersion,
    DomainType,
    GfxPassthruKind,
    GicVersion,
    Hdtype,
    Nameless,
    Passthrough,
    RdmReservePolicy,
    RdmReserveStrategy,
    Scheduler,
    SmbiosType,
    SveType,
    TeeType,
    TimerMode,
    TscMode,
    VendorDevice,
    VgaInterfaceType,
    VuartType,
)

MEMKB_DEFAULT = 2**64 - 1
"""A size in KiB that is not set (LIBXL_MEMKB_DEFAULT)."""

MAX_GRANT_DEFAULT = 2**32 - 1
"""A size of a grant table that is not set (LIBXL_MAX_GRANT_DEFAULT)."""

ALTP2M_COUNT_DEFAULT = 2**32 - 1
"""A number of alternate memory maps that is not set (LIBXL_ALTP2M_COUNT_DEFAULT)."""

NR_SPIS_DEFAULT = 2**32 - 1
"""A number of shared interrupts that is not set (LIBXL_NR_SPIS_DEFAULT)."""

ALL_XENSTORE_FEATURES = 2**32 - 1
"""The mask that hides none of xenstore's features."""

INVALID_GFN = 2**64 - 1
"""A guest frame that is not set: mapped memory appears where the host has it (LIBXL_INVALID_GFN)."""


@dataclass(frozen=True, slots=True)
class IoportRange:
    """libxl_ioport_range."""

    first: int = 0
    number: int = 0


@dataclass(frozen=True, slots=True)
class IomemRange:
    """libxl_iomem_range."""

    start: int = 0
    number: int = 0
    gfn: int = INVALID_GFN


@dataclass(frozen=True, slots=True)
class VgaInterfaceInfo:
    """libxl_vga_interface_info."""

    kind: VgaInterfaceType = VgaInterfaceType.UNKNOWN


@dataclass(frozen=True, slots=True)
class SpiceInfo:
    """libxl_spice_info."""

    enable: bool | None = None
    port: int = 0
    tls_port: int = 0
    host: str | None = None
    disable_ticketing: bool | None = None
    passwd: str | None = None
    agent_mouse: bool | None = None
    vdagent: bool | None = None
    clipboard_sharing: bool | None = None
    usbredirection: int = 0
    image_compression: str | None = None
    streaming_video: str | None = None


@dataclass(frozen=True, slots=True)
class DomainCreateInfo:
    """libxl_domain_create_info."""

    type: DomainType = DomainType.INVALID
    hap: bool | None = None
    oos: bool | None = None
    ssidref: int = 0
    ssid_label: str | None = None
    name: str | None = None
    domid: int = 0
    uuid: str | None = None
    xsdata: tuple[str, ...] | None = None
    platformdata: tuple[str, ...] | None = None
    poolid: int = 0
    pool_name: str | None = None
    run_hotplug_scripts: bool | None = None
    driver_domain: bool | None = None
    passthrough: Passthrough = Passthrough.DEFAULT
    xend_suspend_evtchn_compat: bool | None = None


@dataclass(frozen=True, slots=True)
class DomainSchedParams:
    """libxl_domain_sched_params."""

    sched: Scheduler = Scheduler.UNKNOWN
    weight: int = -1
    cap: int = -1
    period: int = -1
    budget: int = -1
    extratime: int = -1
    slice: int = -1
    latency: int = -1


@dataclass(frozen=True, slots=True)
class VnodeInfo:
    """libxl_vnode_info."""

    memkb: int = MEMKB_DEFAULT
    distances: tuple[int, ...] = ()
    pnode: int = 0
    vcpus: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class RdmReserve:
    """libxl_rdm_reserve."""

    strategy: RdmReserveStrategy | Nameless = RdmReserveStrategy.IGNORE
    policy: RdmReservePolicy | Nameless = RdmReservePolicy.INVALID


@dataclass(frozen=True, slots=True)
class Smbios:
    """libxl_smbios, of Xen 4.18."""

    key: SmbiosType
    value: str


@dataclass(frozen=True, slots=True)
class Hvm:
    """What an HVM guest has."""

    JSON_KEY: ClassVar[str] = "type.hvm"
    firmware: str | None = None
    bios: BiosType = BiosType.UNKNOWN
    pae: bool | None = None
    apic: bool | None = None
    acpi: bool | None = None
    acpi_s3: bool | None = None
    acpi_s4: bool | None = None
    acpi_laptop_slate: bool | None = None
    nx: bool | None = None
    viridian: bool | None = None
    viridian_enable: tuple[int, ...] | None = None
    viridian_disable: tuple[int, ...] | None = None
    timeoffset: str | None = None
    hpet: bool | None = None
    vpt_align: bool | None = None
    mmio_hole_memkb: int = MEMKB_DEFAULT
    timer_mode: TimerMode = TimerMode.UNKNOWN
    nested_hvm: bool | None = None
    altp2m: bool | None = None
    system_firmware: str | None = None
    smbios_firmware: str | None = None
    smbios: tuple[Smbios, ...] = ()
    acpi_firmware: str | None = None
    hdtype: Hdtype = Hdtype.IDE
    nographic: bool | None = None
    vga: VgaInterfaceInfo = VgaInterfaceInfo()
    vnc: VncInfo = VncInfo()
    keymap: str | None = None
    sdl: SdlInfo = SdlInfo()
    spice: SpiceInfo = SpiceInfo()
    gfx_passthru: bool | None = None
    gfx_passthru_kind: GfxPassthruKind = GfxPassthruKind.DEFAULT
    serial: str | None = None
    boot: str | None = None
    usb: bool | None = None
    usbversion: int = 0
    usbdevice: str | None = None
    vkb_device: bool | None = None
    soundhw: str | None = None
    xen_platform_pci: bool | None = None
    xen_platform_pci_bar_uc: bool | None = None
    """Of Xen 4.21."""
    usbdevice_list: tuple[str, ...] | None = None
    vendor_device: VendorDevice = VendorDevice.NONE
    ms_vm_genid: tuple[int, ...] = ()
    """Left out, as a uuid is, where xl makes a random one."""
    serial_list: tuple[str, ...] | None = None
    rdm: RdmReserve = RdmReserve()
    rdm_mem_boundary_memkb: int = MEMKB_DEFAULT
    mca_caps: int = 0
    pirq: bool | None = None
    """Of Xen 4.19."""


@dataclass(frozen=True, slots=True)
class Pv:
    """What a PV guest has."""

    JSON_KEY: ClassVar[str] = "type.pv"
    kernel: str | None = None
    slack_memkb: int = MEMKB_DEFAULT
    bootloader: str | None = None
    bootloader_args: tuple[str, ...] | None = None
    cmdline: str | None = None
    ramdisk: str | None = None
    features: str | None = None
    e820_host: bool | None = None


@dataclass(frozen=True, slots=True)
class Pvh:
    """What a PVH guest has."""

    JSON_KEY: ClassVar[str] = "type.pvh"
    pvshim: bool | None = None
    pvshim_path: str | None = None
    pvshim_cmdline: str | None = None
    pvshim_extra: str | None = None


@dataclass(frozen=True, slots=True)
class ArmSci:
    """libxl_arm_sci, of Xen 4.21."""

    type: ArmSciType = ArmSciType.NONE


@dataclass(frozen=True, slots=True)
class ArchArm:
    """What a guest on Arm has."""

    gic_version: GicVersion = GicVersion.DEFAULT
    vuart: VuartType = VuartType.UNKNOWN
    sve_vl: SveType = SveType.DISABLED
    """Of Xen 4.18."""
    nr_spis: int = NR_SPIS_DEFAULT
    """Of Xen 4.19, where 0 is the default."""
    arm_sci: ArmSci | None = None
    """Of Xen 4.21; None: libxl does not have it."""


@dataclass(frozen=True, slots=True)
class ArchX86:
    """What a guest on x86 has."""

    msr_relaxed: bool | None = None


@dataclass(frozen=True, slots=True)
class CpuidLeaf:
    """One leaf that `cpuid` changes: bits from 31 to 0, each `0`, `1`, `x`, `k` or `s`."""

    leaf: int
    subleaf: int | None = None
    eax: str | None = None
    ebx: str | None = None
    ecx: str | None = None
    edx: str | None = None


@dataclass(frozen=True, slots=True)
class CpuidMsr:
    """One model-specific register that `cpuid` changes: bits from 63 to 0, in the letters of `CpuidLeaf`."""

    index: int
    policy: str


@dataclass(frozen=True, slots=True)
class CpuidPolicy:
    """libxl_cpuid_policy_list."""

    cpuid: tuple[CpuidLeaf, ...]
    msr: tuple[CpuidMsr, ...]


@dataclass(frozen=True, slots=True)
class XsQuotaItem:
    """libxl_xs_quota_item, of Xen 4.22."""

    name: str | None = None
    val: int = 0


@dataclass(frozen=True, slots=True)
class XsQuotaList:
    """libxl_xs_quota_list, of Xen 4.22."""

    quota: tuple[XsQuotaItem, ...] = ()


@dataclass(frozen=True, slots=True)
class DomainBuildInfo:
    """libxl_domain_build_info."""

    max_vcpus: int = 0
    avail_vcpus: tuple[int, ...] | None = None
    cpumap: tuple[int, ...] | None = None
    nodemap: tuple[int, ...] | None = None
    vcpu_hard_affinity: tuple[tuple[int, ...], ...] = ()
    vcpu_soft_affinity: tuple[tuple[int, ...], ...] = ()
    numa_placement: bool | None = None
    tsc_mode: TscMode = TscMode.DEFAULT
    max_memkb: int = MEMKB_DEFAULT
    target_memkb: int = MEMKB_DEFAULT
    video_memkb: int = MEMKB_DEFAULT
    shadow_memkb: int = MEMKB_DEFAULT
    iommu_memkb: int = MEMKB_DEFAULT
    rtc_timeoffset: int = 0
    exec_ssidref: int = 0
    exec_ssid_label: str | None = None
    localtime: bool | None = None
    disable_migrate: bool | None = None
    cpuid: CpuidPolicy | None = None
    blkdev_start: str | None = None
    vnuma_nodes: tuple[VnodeInfo, ...] = ()
    max_grant_frames: int = MAX_GRANT_DEFAULT
    max_maptrack_frames: int = MAX_GRANT_DEFAULT
    max_grant_version: int = -1
    device_model_version: DeviceModelVersion = DeviceModelVersion.UNKNOWN
    device_model_stubdomain: bool | None = None
    stubdomain_memkb: int = MEMKB_DEFAULT
    stubdomain_kernel: str | None = None
    stubdomain_cmdline: str | None = None
    stubdomain_ramdisk: str | None = None
    device_model: str | None = None
    device_model_ssidref: int = 0
    device_model_ssid_label: str | None = None
    device_model_user: str | None = None
    extra: tuple[str, ...] | None = None
    extra_pv: tuple[str, ...] | None = None
    extra_hvm: tuple[str, ...] | None = None
    sched_params: DomainSchedParams = DomainSchedParams()
    ioports: tuple[IoportRange, ...] = ()
    irqs: tuple[int, ...] = ()
    iomem: tuple[IomemRange, ...] = ()
    llc_colors: tuple[int, ...] = ()
    """Of Xen 4.20."""
    claim_mode: bool | None = None
    event_channels: int = 0
    kernel: str | None = None
    cmdline: str | None = None
    ramdisk: str | None = None
    device_tree: str | None = None
    acpi: bool | None = None
    bootloader: str | None = None
    bootloader_args: tuple[str, ...] | None = None
    bootloader_restrict: bool | None = None
    """Of Xen 4.18."""
    bootloader_user: str | None = None
    """Of Xen 4.18."""
    timer_mode: TimerMode = TimerMode.UNKNOWN
    nested_hvm: bool | None = None
    apic: bool | None = None
    dm_restrict: bool | None = None
    tee: TeeType = TeeType.NONE
    u: Hvm | Pv | Pvh | None = None
    arch_arm: ArchArm = ArchArm()
    arch_x86: ArchX86 = ArchX86()
    altp2m: Altp2mMode = Altp2mMode.DISABLED
    altp2m_count: int = ALTP2M_COUNT_DEFAULT
    """Of Xen 4.21."""
    vmtrace_buf_kb: int = 0
    vpmu: bool | None = None
    trap_unmapped_accesses: bool | None = None
    """Of Xen 4.21."""
    xenstore_feature_mask: int = ALL_XENSTORE_FEATURES
    """Of Xen 4.21."""
    xenstore_quota: XsQuotaList | None = None
    """Of Xen 4.22; None: libxl does not have it."""


@dataclass(frozen=True, slots=True)
class DomainConfig:
    """libxl_domain_config."""

    c_info: DomainCreateInfo = DomainCreateInfo()
    b_info: DomainBuildInfo = DomainBuildInfo()
    disks: tuple[DeviceDisk, ...] = ()
    nics: tuple[DeviceNic, ...] = ()
    pcidevs: tuple[DevicePci, ...] = ()
    dtdevs: tuple[DeviceDtdev, ...] = ()
    vfbs: tuple[DeviceVfb, ...] = ()
    vkbs: tuple[DeviceVkb, ...] = ()
    virtios: tuple[DeviceVirtio, ...] = ()
    vtpms: tuple[DeviceVtpm, ...] = ()
    p9s: tuple[DeviceP9, ...] = ()
    pvcallsifs: tuple[DevicePvcallsif, ...] = ()
    vdispls: tuple[DeviceVdispl, ...] = ()
    vsnds: tuple[DeviceVsnd, ...] = ()
    channels: tuple[DeviceChannel, ...] = ()
    usbctrls: tuple[DeviceUsbctrl, ...] = ()
    usbdevs: tuple[DeviceUsbdev, ...] = ()
    on_poweroff: ActionOnShutdown = ActionOnShutdown.DESTROY
    on_reboot: ActionOnShutdown = ActionOnShutdown.DESTROY
    on_watchdog: ActionOnShutdown = ActionOnShutdown.DESTROY
    on_crash: ActionOnShutdown = ActionOnShutdown.DESTROY
    on_soft_reset: ActionOnShutdown = ActionOnShutdown.DESTROY
