"""Types of memory-map entries (public hvm/e820.h, arch-x86/hvm/start_info.h)."""

E820_RAM = 1
E820_RESERVED = 2
E820_ACPI = 3
E820_NVS = 4
E820_UNUSABLE = 5

E820_MAX = 128
"""Entries that a memory map has at most (libxenctrl)."""

E820_TYPE_NAMES: dict[int, str] = {
    E820_RAM: "RAM",
    E820_RESERVED: "reserved",
    E820_ACPI: "ACPI",
    E820_NVS: "ACPI NVS",
    E820_UNUSABLE: "unusable",
}
