"""A domain of the running Xen, for the programs of the lab's dom0: libxenctrl and libxenforeignmemory by ctypes.

Offsets are of public headers: xen_domctl_getdomaininfo (domctl.h), start_info and shared_info (xen.h),
vcpu_guest_context and cpu_user_regs (arch-x86/xen.h, xen-x86_64.h).
"""

import ctypes as c
import struct
from collections.abc import Iterator, Sequence

PAGE = 4096
PROT_READ = 1
PROT_WRITE = 2

CONTEXT_SIZE = 5168
CR3 = 4984 + 3 * 8
RDX = 520 + 12 * 8
RSI = 520 + 13 * 8
"""Offsets in a vcpu_guest_context."""

SHARED_INFO_ARCH = 3088
MAX_PFN, P2M_CR3, P2M_VADDR = SHARED_INFO_ARCH, SHARED_INFO_ARCH + 24, SHARED_INFO_ARCH + 32
"""Offsets in shared_info."""

_NR_PAGES = 32
_MFN_LIST = 104
"""Offsets in start_info."""

_HVM_GUEST = 2
_BATCH = 1024
"""Frames mapped at a time."""
_FRAME_OF_ENTRY = 0x000F_FFFF_FFFF_F000


class Domain:
    """One domain; the program ends with a message where Xen will not tell what is asked."""

    def __init__(self, number: int) -> None:
        """Ask Xen about the domain of that number."""
        self._domid = c.c_uint32(number)
        self._control = c.CDLL("libxenctrl.so.4.17", use_errno=True)
        self._control.xc_interface_open.restype = c.c_void_p
        self._handle = c.c_void_p(self._control.xc_interface_open(None, None, 0))
        self._memory = c.CDLL("libxenforeignmemory.so.1", use_errno=True)
        self._memory.xenforeignmemory_open.restype = c.c_void_p
        self._memory.xenforeignmemory_map.restype = c.c_void_p
        self._mapping = c.c_void_p(self._memory.xenforeignmemory_open(None, 0))
        info = c.create_string_buffer(PAGE)
        if self._control.xc_domain_getinfolist(self._handle, self._domid, 1, info) != 1:
            raise SystemExit(f"there is no domain {number}")
        flags, self.pages = struct.unpack_from("<IQ", info.raw, 4)
        (self.shared_info_frame,) = struct.unpack_from("<Q", info.raw, 48)
        (self._highest_vcpu,) = struct.unpack_from("<I", info.raw, 68)
        self.hvm = bool(flags & _HVM_GUEST)

    def map(self, frames: Sequence[int], access: int = PROT_READ) -> tuple[int | None, c.Array[c.c_int]]:
        """Map frames; return where, and an error number (or 0) for each. None: nothing is mapped."""
        count = len(frames)
        numbers, errors = (c.c_uint64 * count)(*frames), (c.c_int * count)()
        where = self._memory.xenforeignmemory_map(
            self._mapping, self._domid, access, c.c_size_t(count), numbers, errors
        )
        return where, errors

    def unmap(self, where: int, count: int) -> None:
        """Undo a mapping."""
        self._memory.xenforeignmemory_unmap(self._mapping, c.c_void_p(where), c.c_size_t(count))

    def read(self, frames: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        """Yield the index and the bytes of each of the frames that is there."""
        for start in range(0, len(frames), _BATCH):
            part = frames[start : start + _BATCH]
            where, errors = self.map(part)
            if where is None:
                continue
            for index, error in enumerate(errors):
                if not error:
                    yield start + index, c.string_at(where + index * PAGE, PAGE)
            self.unmap(where, len(part))

    def page(self, frame: int) -> bytes:
        """Return a frame's bytes."""
        for _, content in self.read([frame]):
            return content
        raise SystemExit(f"the frame {frame:#x} cannot be mapped")

    def contexts(self) -> list[bytes]:
        """Return the vcpu_guest_context of each vCPU that has one."""
        found = []
        for vcpu in range(self._highest_vcpu + 1):
            context = c.create_string_buffer(2 * PAGE)
            if self._control.xc_vcpu_getcontext(self._handle, self._domid, c.c_uint32(vcpu), context) == 0:
                found.append(context.raw[:CONTEXT_SIZE])
        return found

    def set_context(self, context: bytes) -> None:
        """Set vCPU 0's vcpu_guest_context."""
        buffer = c.create_string_buffer(context, 2 * PAGE)
        if self._control.xc_vcpu_setcontext(self._handle, self._domid, c.c_uint32(0), buffer):
            raise SystemExit(f"xc_vcpu_setcontext: errno {c.get_errno()}")

    def version(self, command: int, size: int) -> bytes:
        """Return what xc_version says to one of version.h's commands."""
        answer = c.create_string_buffer(PAGE)
        self._control.xc_version(self._handle, command, answer)
        return answer.raw[:size]

    def version_number(self) -> int:
        """Return Xen's version: major number << 16 | minor number."""
        return int(self._control.xc_version(self._handle, 0, None))

    def suspended(self) -> None:
        """Shut the domain down as one that has suspended itself (SHUTDOWN_suspend)."""
        if self._control.xc_domain_shutdown(self._handle, self._domid, c.c_int(2)):
            raise SystemExit(f"xc_domain_shutdown: errno {c.get_errno()}")

    def frames(self) -> Sequence[int]:
        """Return the frames of a translated guest (PVH, HVM) that there may be."""
        highest = c.c_uint64(0)
        if self._control.xc_domain_maximum_gpfn(self._handle, self._domid, c.byref(highest)) < 0:
            raise SystemExit(f"xc_domain_maximum_gpfn: errno {c.get_errno()}")
        return range(highest.value + 1)

    def start_info(self) -> tuple[int, int, int]:
        """Return of a PV guest that never ran: the frame of start_info, nr_pages, the address of the p2m list."""
        frame = self._walk(self._cr3(), struct.unpack_from("<Q", self.contexts()[0], RSI)[0])
        page = self.page(frame)
        return (
            frame,
            struct.unpack_from("<Q", page, _NR_PAGES)[0],
            struct.unpack_from("<Q", page, _MFN_LIST)[0],
        )

    def p2m(self) -> list[int]:
        """Return a PV guest's list of machine frames: its shared info's, or before it has one, start_info's."""
        shared = self.page(self.shared_info_frame)
        (count,) = struct.unpack_from("<Q", shared, MAX_PFN)
        cr3, address = struct.unpack_from("<QQ", shared, P2M_CR3)
        if not cr3:
            cr3 = self._cr3()
            _, count, address = self.start_info()
        entries: list[int] = []
        for at in range(address, address + 8 * count, PAGE):
            entries += struct.unpack("<512Q", self.page(self._walk(cr3, at)))
        return entries[:count]

    def _cr3(self) -> int:
        return int(struct.unpack_from("<Q", self.contexts()[0], CR3)[0])

    def _walk(self, cr3: int, address: int) -> int:
        """Return the machine frame that 4-level page tables map an address to."""
        frame = cr3 >> 12
        for shift in (39, 30, 21, 12):
            (entry,) = struct.unpack_from("<Q", self.page(frame), (address >> shift & 511) * 8)
            if not entry & 1:
                raise SystemExit(f"the address {address:#x} is not mapped")
            frame = (entry & _FRAME_OF_ENTRY) >> 12
        return frame
