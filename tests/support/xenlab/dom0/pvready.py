"""pvready DOMID [suspend]: set in a never-run PV guest's shared info page what a guest sets there as it starts.

`xl dump-core` and `xl save` find the p2m list by these three fields (struct arch_shared_info in arch-x86/xen.h), so
they refuse a guest that has not set them yet. The guest's own memory stays as it is.

With `suspend`, vCPU 0's rdx becomes the frame of start_info, as a guest leaves it that suspends itself.
"""

import ctypes
import struct
import sys

from xenlab.dom0.labxen import CR3, MAX_PFN, P2M_CR3, P2M_VADDR, PROT_READ, PROT_WRITE, RDX, Domain


def main(number: str, *words: str) -> None:
    """Set them."""
    domain = Domain(int(number))
    frame, pages, p2m = domain.start_info()
    context = domain.contexts()[0]
    (cr3,) = struct.unpack_from("<Q", context, CR3)
    where, errors = domain.map([domain.shared_info_frame], PROT_READ | PROT_WRITE)
    if where is None or errors[0]:
        raise SystemExit("the shared info page cannot be mapped")
    for offset, value in ((MAX_PFN, pages), (P2M_CR3, cr3), (P2M_VADDR, p2m)):
        ctypes.c_uint64.from_address(where + offset).value = value
    domain.unmap(where, 1)
    print(f"max_pfn {pages:#x} p2m_cr3 {cr3:#x} p2m_vaddr {p2m:#x}")
    if "suspend" in words:
        domain.set_context(context[:RDX] + struct.pack("<Q", frame) + context[RDX + 8 :])
        print(f"rdx {frame:#x}")


if __name__ == "__main__":
    main(*sys.argv[1:])
