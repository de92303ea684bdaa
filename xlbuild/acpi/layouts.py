"""ACPI's structures as they lie in memory: those that Xen fills, and those that firmware adds in a guest.

Layouts are those of the ACPI specification ("ACPI Software Programming Model") and of the documents that it refers
to for HPET, WAET and TPM2, with the field names in lower case.
"""

from enum import IntFlag, auto

from xlbuild.abi.layout import Layout, raw, u8, u16, u32, u64


class FadtFlag(IntFlag):
    """The FADT's fixed feature flags, from bit 0 on."""

    WBINVD = auto()
    WBINVD_FLUSH = auto()
    PROC_C1 = auto()
    P_LVL2_UP = auto()
    PWR_BUTTON = auto()
    """No fixed-hardware power button."""
    SLP_BUTTON = auto()
    """No fixed-hardware sleep button."""
    FIX_RTC = auto()
    """RTC wake is not in fixed registers."""
    RTC_S4 = auto()
    TMR_VAL_EXT = auto()
    DCK_CAP = auto()
    RESET_REG_SUP = auto()
    SEALED_CASE = auto()
    HEADLESS = auto()
    CPU_SW_SLP = auto()
    PCI_EXP_WAK = auto()
    USE_PLATFORM_CLOCK = auto()
    S4_RTC_STS_VALID = auto()
    REMOTE_POWER_ON_CAPABLE = auto()
    FORCE_APIC_CLUSTER_MODEL = auto()
    FORCE_APIC_PHYSICAL_DESTINATION_MODE = auto()
    HW_REDUCED_ACPI = auto()
    LOW_POWER_S0_IDLE_CAPABLE = auto()


class BootArchitecture(IntFlag):
    """The FADT's IA-PC boot architecture flags, from bit 0 on."""

    LEGACY_DEVICES = auto()
    I8042 = auto()
    VGA_NOT_PRESENT = auto()
    MSI_NOT_SUPPORTED = auto()
    PCIE_ASPM_CONTROLS = auto()
    CMOS_RTC_NOT_PRESENT = auto()


_HEADER_FIELDS = (
    ("signature", raw(4)),
    ("length", u32),
    ("revision", u8),
    ("checksum", u8),
    ("oem_id", raw(6)),
    ("oem_table_id", raw(8)),
    ("oem_revision", u32),
    ("creator_id", raw(4)),
    ("creator_revision", u32),
)
HEADER = Layout.of("ACPI system description table header", *_HEADER_FIELDS)

GENERIC_ADDRESS = Layout.of(
    "ACPI generic address structure",
    ("address_space_id", u8),
    ("register_bit_width", u8),
    ("register_bit_offset", u8),
    ("access_size", u8),
    ("address", u64),
)
_generic_address = raw(GENERIC_ADDRESS.size)

RSDP = Layout.of(
    "ACPI root system description pointer",
    ("signature", raw(8)),
    ("checksum", u8),
    ("oem_id", raw(6)),
    ("revision", u8),
    ("rsdt_address", u32),
    ("length", u32),
    ("xsdt_address", u64),
    ("extended_checksum", u8),
    ("_reserved", raw(3)),
)
RSDP_1_SIZE = 20
"""The part of the RSDP that its first checksum covers: all of it in ACPI 1.0."""

FACS = Layout.of(
    "ACPI firmware ACPI control structure",
    ("signature", raw(4)),
    ("length", u32),
    ("hardware_signature", u32),
    ("firmware_waking_vector", u32),
    ("global_lock", u32),
    ("flags", u32),
    ("x_firmware_waking_vector", u64),
    ("version", u8),
    ("_reserved", raw(31)),
)

_FADT_1_FIELDS = (
    *_HEADER_FIELDS,
    ("firmware_ctrl", u32),
    ("dsdt", u32),
    ("int_model", u8),
    ("preferred_pm_profile", u8),
    ("sci_int", u16),
    ("smi_cmd", u32),
    ("acpi_enable", u8),
    ("acpi_disable", u8),
    ("s4bios_req", u8),
    ("pstate_cnt", u8),
    ("pm1a_evt_blk", u32),
    ("pm1b_evt_blk", u32),
    ("pm1a_cnt_blk", u32),
    ("pm1b_cnt_blk", u32),
    ("pm2_cnt_blk", u32),
    ("pm_tmr_blk", u32),
    ("gpe0_blk", u32),
    ("gpe1_blk", u32),
    ("pm1_evt_len", u8),
    ("pm1_cnt_len", u8),
    ("pm2_cnt_len", u8),
    ("pm_tmr_len", u8),
    ("gpe0_blk_len", u8),
    ("gpe1_blk_len", u8),
    ("gpe1_base", u8),
    ("cst_cnt", u8),
    ("p_lvl2_lat", u16),
    ("p_lvl3_lat", u16),
    ("flush_size", u16),
    ("flush_stride", u16),
    ("duty_offset", u8),
    ("duty_width", u8),
    ("day_alrm", u8),
    ("mon_alrm", u8),
    ("century", u8),
    ("iapc_boot_arch", u16),
    ("_reserved", u8),
    ("flags", u32),
)
FADT_1 = Layout.of("ACPI 1.0 fixed ACPI description table", *_FADT_1_FIELDS)
FADT_5 = Layout.of(
    "ACPI 5.0 fixed ACPI description table",
    *_FADT_1_FIELDS,
    ("reset_reg", _generic_address),
    ("reset_value", u8),
    ("arm_boot_arch", u16),
    ("fadt_minor_version", u8),
    ("x_firmware_ctrl", u64),
    ("x_dsdt", u64),
    ("x_pm1a_evt_blk", _generic_address),
    ("x_pm1b_evt_blk", _generic_address),
    ("x_pm1a_cnt_blk", _generic_address),
    ("x_pm1b_cnt_blk", _generic_address),
    ("x_pm2_cnt_blk", _generic_address),
    ("x_pm_tmr_blk", _generic_address),
    ("x_gpe0_blk", _generic_address),
    ("x_gpe1_blk", _generic_address),
    ("sleep_control_reg", _generic_address),
    ("sleep_status_reg", _generic_address),
)

MADT = Layout.of(
    "ACPI multiple APIC description table", *_HEADER_FIELDS, ("local_apic_address", u32), ("flags", u32)
)
LOCAL_APIC = Layout.of(
    "ACPI processor local APIC structure",
    ("type", u8),
    ("length", u8),
    ("processor_id", u8),
    ("apic_id", u8),
    ("flags", u32),
)
IO_APIC = Layout.of(
    "ACPI I/O APIC structure",
    ("type", u8),
    ("length", u8),
    ("io_apic_id", u8),
    ("_reserved", u8),
    ("io_apic_address", u32),
    ("global_system_interrupt_base", u32),
)
INTERRUPT_SOURCE_OVERRIDE = Layout.of(
    "ACPI interrupt source override structure",
    ("type", u8),
    ("length", u8),
    ("bus", u8),
    ("source", u8),
    ("global_system_interrupt", u32),
    ("flags", u16),
)
NMI_SOURCE = Layout.of(
    "ACPI NMI source structure",
    ("type", u8),
    ("length", u8),
    ("flags", u16),
    ("global_system_interrupt", u32),
)
LOCAL_APIC_NMI = Layout.of(
    "ACPI local APIC NMI structure",
    ("type", u8),
    ("length", u8),
    ("processor_id", u8),
    ("flags", u16),
    ("local_apic_lint", u8),
)
LOCAL_APIC_ADDRESS_OVERRIDE = Layout.of(
    "ACPI local APIC address override structure",
    ("type", u8),
    ("length", u8),
    ("_reserved", u16),
    ("local_apic_address", u64),
)
LOCAL_X2APIC = Layout.of(
    "ACPI processor local x2APIC structure",
    ("type", u8),
    ("length", u8),
    ("_reserved", u16),
    ("x2apic_id", u32),
    ("flags", u32),
    ("processor_uid", u32),
)
LOCAL_X2APIC_NMI = Layout.of(
    "ACPI local x2APIC NMI structure",
    ("type", u8),
    ("length", u8),
    ("flags", u16),
    ("processor_uid", u32),
    ("local_x2apic_lint", u8),
    ("_reserved", raw(3)),
)

HPET = Layout.of(
    "IA-PC HPET description table",
    *_HEADER_FIELDS,
    ("event_timer_block_id", u32),
    ("base_address", _generic_address),
    ("hpet_number", u8),
    ("main_counter_minimum", u16),
    ("page_protection", u8),
)
WAET = Layout.of("Windows ACPI emulated devices table", *_HEADER_FIELDS, ("emulated_device_flags", u32))
SLIT = Layout.of(
    "ACPI system locality information table", *_HEADER_FIELDS, ("number_of_system_localities", u64)
)
SRAT = Layout.of(
    "ACPI system resource affinity table",
    *_HEADER_FIELDS,
    ("_reserved0", u32),
    ("_reserved1", u64),
)
PROCESSOR_AFFINITY = Layout.of(
    "ACPI processor local APIC affinity structure",
    ("type", u8),
    ("length", u8),
    ("proximity_domain", u8),
    ("apic_id", u8),
    ("flags", u32),
    ("local_sapic_eid", u8),
    ("proximity_domain_upper", raw(3)),
    ("clock_domain", u32),
)
MEMORY_AFFINITY = Layout.of(
    "ACPI memory affinity structure",
    ("type", u8),
    ("length", u8),
    ("proximity_domain", u32),
    ("_reserved0", u16),
    ("base_address", u64),
    ("size", u64),
    ("_reserved1", u32),
    ("flags", u32),
    ("_reserved2", u64),
)
X2APIC_AFFINITY = Layout.of(
    "ACPI processor local x2APIC affinity structure",
    ("type", u8),
    ("length", u8),
    ("_reserved0", u16),
    ("proximity_domain", u32),
    ("x2apic_id", u32),
    ("flags", u32),
    ("clock_domain", u32),
    ("_reserved1", u32),
)
TPM2 = Layout.of(
    "TCG ACPI TPM2 table",
    *_HEADER_FIELDS,
    ("platform_class", u16),
    ("_reserved", u16),
    ("control_area_address", u64),
    ("start_method", u32),
    ("start_method_parameters", raw(12)),
    ("log_area_minimum_length", u32),
    ("log_area_start_address", u64),
)

ACPI_INFO = Layout.of(
    "the block that Xen leaves for its own AML",
    ("_pad0", raw(2)),
    ("nr_cpus", u16),
    ("_pad1", raw(8)),
    ("madt_checksum_address", u32),
    ("madt_lapic0_address", u32),
)
