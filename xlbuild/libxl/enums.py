"""libxl's enumerations: their members are the names that configurations and JSON documents use (libxl.h)."""

from enum import Enum, StrEnum
from typing import TypeVar

E = TypeVar("E", bound=StrEnum)


def member_of(enumeration: type[E], text: str) -> E | None:
    """Return the member of a name in any case of letters, None for no name (upstream: libxl__enum_from_string)."""
    return next((member for member in enumeration if member == text.lower()), None)


class Nameless(Enum):
    """The value of an enumeration that nobody has set, in memory that xl does not clear."""

    NAMELESS = "null"
    """libxl has no name for it, and writes null."""


class DiskBackend(StrEnum):
    """libxl_disk_backend."""

    UNKNOWN = "unknown"
    PHY = "phy"
    TAP = "tap"
    QDISK = "qdisk"
    STANDALONE = "standalone"


class DiskFormat(StrEnum):
    """libxl_disk_format."""

    UNKNOWN = "unknown"
    QCOW = "qcow"
    QCOW2 = "qcow2"
    VHD = "vhd"
    RAW = "raw"
    EMPTY = "empty"
    QED = "qed"


class DiskSpecification(StrEnum):
    """libxl_disk_specification."""

    UNKNOWN = "unknown"
    XEN = "xen"
    VIRTIO = "virtio"


class DiskTransport(StrEnum):
    """libxl_disk_transport."""

    UNKNOWN = "unknown"
    MMIO = "mmio"


class NicType(StrEnum):
    """libxl_nic_type."""

    UNKNOWN = "unknown"
    VIF_IOEMU = "vif_ioemu"
    VIF = "vif"


class VkbBackend(StrEnum):
    """libxl_vkb_backend."""

    UNKNOWN = "unknown"
    QEMU = "qemu"
    LINUX = "linux"


class RdmReservePolicy(StrEnum):
    """libxl_rdm_reserve_policy."""

    INVALID = "invalid"
    STRICT = "strict"
    RELAXED = "relaxed"


class VsndPcmFormat(StrEnum):
    """libxl_vsnd_pcm_format."""

    S8 = "s8"
    U8 = "u8"
    S16_LE = "s16_le"
    S16_BE = "s16_be"
    U16_LE = "u16_le"
    U16_BE = "u16_be"
    S24_LE = "s24_le"
    S24_BE = "s24_be"
    U24_LE = "u24_le"
    U24_BE = "u24_be"
    S32_LE = "s32_le"
    S32_BE = "s32_be"
    U32_LE = "u32_le"
    U32_BE = "u32_be"
    F32_LE = "f32_le"
    F32_BE = "f32_be"
    F64_LE = "f64_le"
    F64_BE = "f64_be"
    IEC958_SUBFRAME_LE = "iec958_subframe_le"
    IEC958_SUBFRAME_BE = "iec958_subframe_be"
    MU_LAW = "mu_law"
    A_LAW = "a_law"
    IMA_ADPCM = "ima_adpcm"
    MPEG = "mpeg"
    GSM = "gsm"


class VsndStreamType(StrEnum):
    """libxl_vsnd_stream_type."""

    P = "p"
    C = "c"


class UsbctrlType(StrEnum):
    """libxl_usbctrl_type."""

    AUTO = "auto"
    PV = "pv"
    DEVICEMODEL = "devicemodel"
    QUSB = "qusb"


class UsbdevType(StrEnum):
    """libxl_usbdev_type."""

    HOSTDEV = "hostdev"


class P9Type(StrEnum):
    """libxl_p9_type, since 4.19."""

    UNKNOWN = "unknown"
    QEMU = "qemu"
    XEN_9PFSD = "xen_9pfsd"


class VirtioTransport(StrEnum):
    """libxl_virtio_transport, since 4.18."""

    UNKNOWN = "unknown"
    MMIO = "mmio"


class VgaInterfaceType(StrEnum):
    """libxl_vga_interface_type."""

    UNKNOWN = "unknown"
    CIRRUS = "cirrus"
    STD = "std"
    NONE = "none"
    QXL = "qxl"


class DomainType(StrEnum):
    """libxl_domain_type."""

    INVALID = "invalid"
    HVM = "hvm"
    PV = "pv"
    PVH = "pvh"


class Passthrough(StrEnum):
    """libxl_passthrough."""

    DEFAULT = "default"
    DISABLED = "disabled"
    ENABLED = "enabled"
    SYNC_PT = "sync_pt"
    SHARE_PT = "share_pt"


class Scheduler(StrEnum):
    """libxl_scheduler."""

    UNKNOWN = "unknown"
    SEDF = "sedf"
    CREDIT = "credit"
    CREDIT2 = "credit2"
    ARINC653 = "arinc653"
    RTDS = "rtds"
    NULL = "null"


class RdmReserveStrategy(StrEnum):
    """libxl_rdm_reserve_strategy."""

    IGNORE = "ignore"
    HOST = "host"


class TscMode(StrEnum):
    """libxl_tsc_mode."""

    DEFAULT = "default"
    ALWAYS_EMULATE = "always_emulate"
    NATIVE = "native"
    NATIVE_PARAVIRT = "native_paravirt"


class DeviceModelVersion(StrEnum):
    """libxl_device_model_version."""

    UNKNOWN = "unknown"
    QEMU_XEN_TRADITIONAL = "qemu_xen_traditional"
    QEMU_XEN = "qemu_xen"


class TimerMode(StrEnum):
    """libxl_timer_mode."""

    UNKNOWN = "unknown"
    DELAY_FOR_MISSED_TICKS = "delay_for_missed_ticks"
    NO_DELAY_FOR_MISSED_TICKS = "no_delay_for_missed_ticks"
    NO_MISSED_TICKS_PENDING = "no_missed_ticks_pending"
    ONE_MISSED_TICK_PENDING = "one_missed_tick_pending"


class TeeType(StrEnum):
    """libxl_tee_type."""

    NONE = "none"
    OPTEE = "optee"
    FFA = "ffa"
    """Since Xen 4.18."""


class SveType(StrEnum):
    """libxl_sve_type, since 4.18: bits of a vector."""

    HW = "hw"
    DISABLED = "disabled"
    BITS_128 = "128"
    BITS_256 = "256"
    BITS_384 = "384"
    BITS_512 = "512"
    BITS_640 = "640"
    BITS_768 = "768"
    BITS_896 = "896"
    BITS_1024 = "1024"
    BITS_1152 = "1152"
    BITS_1280 = "1280"
    BITS_1408 = "1408"
    BITS_1536 = "1536"
    BITS_1664 = "1664"
    BITS_1792 = "1792"
    BITS_1920 = "1920"
    BITS_2048 = "2048"


class ArmSciType(StrEnum):
    """libxl_arm_sci_type, since 4.21."""

    NONE = "none"
    SCMI_SMC = "scmi_smc"


class BiosType(StrEnum):
    """libxl_bios_type."""

    UNKNOWN = "unknown"
    ROMBIOS = "rombios"
    SEABIOS = "seabios"
    OVMF = "ovmf"


class SmbiosType(StrEnum):
    """libxl_smbios_type, of Xen 4.18."""

    BIOS_VENDOR = "bios_vendor"
    BIOS_VERSION = "bios_version"
    SYSTEM_MANUFACTURER = "system_manufacturer"
    SYSTEM_PRODUCT_NAME = "system_product_name"
    SYSTEM_VERSION = "system_version"
    SYSTEM_SERIAL_NUMBER = "system_serial_number"
    BASEBOARD_MANUFACTURER = "baseboard_manufacturer"
    BASEBOARD_PRODUCT_NAME = "baseboard_product_name"
    BASEBOARD_VERSION = "baseboard_version"
    BASEBOARD_SERIAL_NUMBER = "baseboard_serial_number"
    BASEBOARD_ASSET_TAG = "baseboard_asset_tag"
    BASEBOARD_LOCATION_IN_CHASSIS = "baseboard_location_in_chassis"
    ENCLOSURE_MANUFACTURER = "enclosure_manufacturer"
    ENCLOSURE_SERIAL_NUMBER = "enclosure_serial_number"
    ENCLOSURE_ASSET_TAG = "enclosure_asset_tag"
    BATTERY_MANUFACTURER = "battery_manufacturer"
    BATTERY_DEVICE_NAME = "battery_device_name"
    OEM = "oem"


class ViridianEnlightenment(StrEnum):
    """libxl_viridian_enlightenment: a member's place is its bit."""

    BASE = "base"
    FREQ = "freq"
    TIME_REF_COUNT = "time_ref_count"
    REFERENCE_TSC = "reference_tsc"
    HCALL_REMOTE_TLB_FLUSH = "hcall_remote_tlb_flush"
    APIC_ASSIST = "apic_assist"
    CRASH_CTL = "crash_ctl"
    SYNIC = "synic"
    STIMER = "stimer"
    HCALL_IPI = "hcall_ipi"
    EX_PROCESSOR_MASKS = "ex_processor_masks"
    NO_VP_LIMIT = "no_vp_limit"
    CPU_HOTPLUG = "cpu_hotplug"


class Hdtype(StrEnum):
    """libxl_hdtype."""

    IDE = "ide"
    AHCI = "ahci"


class GfxPassthruKind(StrEnum):
    """libxl_gfx_passthru_kind."""

    DEFAULT = "default"
    IGD = "igd"


class VendorDevice(StrEnum):
    """libxl_vendor_device."""

    NONE = "none"
    XENSERVER = "xenserver"


class GicVersion(StrEnum):
    """libxl_gic_version."""

    DEFAULT = "default"
    V2 = "v2"
    V3 = "v3"


class VuartType(StrEnum):
    """libxl_vuart_type."""

    UNKNOWN = "unknown"
    SBSA_UART = "sbsa_uart"


class Altp2mMode(StrEnum):
    """libxl_altp2m_mode."""

    DISABLED = "disabled"
    MIXED = "mixed"
    EXTERNAL = "external"
    LIMITED = "limited"


class ActionOnShutdown(StrEnum):
    """libxl_action_on_shutdown."""

    DESTROY = "destroy"
    RESTART = "restart"
    RESTART_RENAME = "restart_rename"
    PRESERVE = "preserve"
    COREDUMP_DESTROY = "coredump_destroy"
    COREDUMP_RESTART = "coredump_restart"
    SOFT_RESET = "soft_reset"
