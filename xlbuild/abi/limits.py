"""Limits that configurations are held against, apart from the structures they belong to, which take time to load."""

HVM_MAX_VCPUS = 128
"""vCPUs of an HVM guest at most (public hvm/hvm_info_table.h)."""

MAX_GUEST_CMDLINE = 1024
"""Bytes of a PV guest's command line, its NUL included (public xen.h)."""
