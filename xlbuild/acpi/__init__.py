"""ACPI for PVH guests: what libxl gives a guest that has no firmware to build its tables."""

from xlbuild.acpi.build import (
    AcpiBlob,
    AcpiTables,
    PlacedTable,
    Table,
    build_acpi,
    needs_rsdp_in_low_memory,
)

__all__ = ["AcpiBlob", "AcpiTables", "PlacedTable", "Table", "build_acpi", "needs_rsdp_in_low_memory"]
