"""The names that `cpuid` has for bits and fields of the CPU's features (libxl 4.17; bits: public cpufeatureset.h)."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from xlbuild.profiles import in_releases


@dataclass(frozen=True, slots=True)
class Register:
    """A register of a CPUID leaf."""

    leaf: int
    subleaf: int | None
    """None: the leaf has none."""
    name: str


@dataclass(frozen=True, slots=True)
class Msr:
    """A model-specific register."""

    index: int


@dataclass(frozen=True, slots=True)
class Field:
    """Bits that are a number."""

    register: Register
    lowest: int
    width: int


ARCH_CAPABILITIES = Msr(0x10A)

_BITS: Mapping[Register | Msr, str] = MappingProxyType(
    {
        Register(0x1, None, "ecx"): (
            "0:sse3 1:pclmulqdq 2:dtes64 3:monitor 4:dscpl 5:vmx 6:smx 7:eist/est 8:tm2 9:ssse3 10:cntxid "
            "12:fma 13:cmpxchg16/cx16 14:xtpr 15:pdcm 17:pcid 18:dca 19:sse4-1/sse4.1/sse4_1 "
            "20:sse4-2/sse4.2/sse4_2 21:x2apic 22:movbe 23:popcnt 24:tsc-deadline 25:aes/aesni 26:xsave "
            "27:osxsave 28:avx 29:f16c 30:rdrand 31:hypervisor"
        ),
        Register(0x1, None, "edx"): (
            "0:fpu 1:vme 2:de 3:pse 4:tsc 5:msr 6:pae 7:mce 8:cmpxchg8/cx8 9:apic 11:sep/sysenter 12:mtrr "
            "13:pge 14:mca 15:cmov 16:pat 17:pse36 18:psn 19:clfsh 21:ds 22:acpi 23:mmx 24:fxsr 25:sse "
            "26:sse2 27:ss 28:htt 29:tm/tm1 30:ia64 31:pbe"
        ),
        Register(0x6, None, "eax"): "2:arat",
        Register(0x7, 0, "ebx"): (
            "0:fsgsbase 1:tsc-adjust/tsc_adjust 2:sgx 3:bmi1 4:hle 5:avx2 6:fdp-excp-only 7:smep 8:bmi2 "
            "9:erms 10:invpcid 11:rtm 12:cmt/pqm 13:no-fpu-sel 14:mpx 15:pqe 16:avx512f 17:avx512dq "
            "18:rdseed 19:adx 20:smap 21:avx512-ifma 23:clflushopt 24:clwb 25:proc-trace 26:avx512pf "
            "27:avx512er 28:avx512cd 29:sha 30:avx512bw 31:avx512vl"
        ),
        Register(0x7, 0, "ecx"): (
            "0:prefetchwt1 1:avx512-vbmi 2:umip 3:pku 4:ospke 6:avx512-vbmi2 7:cet-ss 8:gfni 9:vaes "
            "10:vpclmulqdq 11:avx512-vnni 12:avx512-bitalg 14:avx512-vpopcntdq 22:rdpid 25:cldemote "
            "27:movdiri 28:movdir64b 29:enqcmd"
        ),
        Register(0x7, 0, "edx"): (
            "2:avx512-4vnniw 3:avx512-4fmaps 4:fsrm 8:avx512-vp2intersect 9:srbds-ctrl 10:md-clear "
            "11:rtm-always-abort 13:tsx-force-abort 14:serialize 15:hybrid 16:tsxldtrk 20:cet-ibt "
            "23:avx512-fp16 26:ibrsb 27:stibp 28:l1d-flush 29:arch-caps 30:core-caps 31:ssbd"
        ),
        Register(0x7, 1, "eax"): "4:avx-vnni 5:avx512-bf16 10:fzrm 11:fsrs 12:fsrcs",
        Register(0x7, 1, "ebx"): "0:intel-ppin",
        Register(0x7, 1, "edx"): "18:cet-sss",
        Register(0x7, 2, "edx"): "0:intel-psfd 1:ipred-ctrl 2:rrsba-ctrl 4:bhi-ctrl 5:mcdt-no",
        Register(0xD, 1, "eax"): "0:xsaveopt 1:xsavec 2:xgetbv1 3:xsaves",
        Register(0x80000001, None, "ecx"): (
            "0:lahf-lm/lahfsahf 1:cmp-legacy/cmplegacy 2:svm 3:extapic 4:altmovcr8/cr8-legacy 5:abm "
            "6:sse4a 7:misalignsse 8:3dnowprefetch 9:osvw 10:ibs 11:xop 12:skinit 13:wdt 15:lwp 16:fma4 "
            "19:nodeid/nodeid-msr 21:tbm 22:topoext 23:perfctr_core 24:perfctr_nb 26:dbext 29:monitorx"
        ),
        Register(
            0x80000001, None, "edx"
        ): "11:syscall 20:nx 22:mmxext 25:ffxsr 26:page1gb 27:rdtscp 29:lm 30:3dnowext 31:3dnow",
        Register(0x80000007, None, "edx"): "7:hw-pstate 8:invtsc/itsc 9:cpb 10:efro",
        Register(0x80000008, None, "ebx"): (
            "0:clzero 2:rstr-fp-err-ptrs 9:wbnoinvd 12:ibpb 14:ibrs 15:amd-stibp 16:ibrs-always "
            "17:stibp-always 18:ibrs-fast 19:ibrs-same-mode 20:no-lmsl 23:amd-ppin/ppin 24:amd-ssbd "
            "25:virt-ssbd 26:ssb-no 28:psfd 29:btc-no 30:ibpb-ret"
        ),
        Register(
            0x8000000A, None, "edx"
        ): "0:svm_npt 1:svm_lbrv 3:svm_nrips 4:svm_tscrate 5:svm_vmcbclean 7:svm_decode 10:svm_pausefilt",
        Register(0x80000021, None, "eax"): (
            "2:lfence-dispatch/lfence+ 5:verw-clear 6:nscb 8:auto-ibrs 27:sbpb 28:ibpb-brtype 29:srso-no "
            "30:srso-us-no 31:srso-msr-fix"
        ),
        Register(0x80000021, None, "ecx"): "1:tsa-sq-no 2:tsa-l1-no",
        ARCH_CAPABILITIES: (
            "0:rdcl-no 1:eibrs 2:rsba 3:skip-l1dfl 4:intel-ssb-no 5:mds-no 6:if-pschange-mc-no 7:tsx-ctrl "
            "8:taa-no 9:mcu-ctrl 10:misc-pkg-ctrl 11:energy-filtering 12:doitm 13:sbdr-ssdp-no "
            "14:fbsdp-no 15:psdp-no 17:fb-clear 18:fb-clear-ctrl 19:rrsba 20:bhi-no 21:xapic-status "
            "23:ovrclk-status 24:pbrsb-no 25:gds-ctrl 26:gds-no 27:rfds-no 28:rfds-clear 62:its-no"
        ),
    }
)
"""What each bit is called: `bit:name`, or `bit:name/other name`."""

FEATURES: Mapping[str, tuple[Register | Msr, int]] = MappingProxyType(
    {
        name: (register, int(bit))
        for register, bits in _BITS.items()
        for bit, _, names in (word.partition(":") for word in bits.split())
        for name in names.split("/")
    }
)
"""Each feature's register and bit, as 4.17 names it."""

LATER_FEATURES: Mapping[str, tuple[str, Register, int]] = MappingProxyType(
    {"pks": ("4.18", Register(0x7, 0, "ecx"), 31)}
)
"""Features whose names came later: the first release (public cpufeatureset.h), and as above."""


@cache
def features_of(release: str) -> Mapping[str, tuple[Register | Msr, int]]:
    """Return the features that a release's libxl knows by name."""
    later = {name: row[1:] for name, row in LATER_FEATURES.items() if in_releases(release, row[0], None)}
    return {**FEATURES, **later}


FIELDS: Mapping[str, Field] = MappingProxyType(
    {
        "maxleaf": Field(Register(0x0, None, "eax"), 0, 32),
        "stepping": Field(Register(0x1, None, "eax"), 0, 4),
        "model": Field(Register(0x1, None, "eax"), 4, 4),
        "family": Field(Register(0x1, None, "eax"), 8, 4),
        "brandid": Field(Register(0x1, None, "ebx"), 0, 8),
        "clflush": Field(Register(0x1, None, "ebx"), 8, 8),
        "proccount": Field(Register(0x1, None, "ebx"), 16, 8),
        "localapicid": Field(Register(0x1, None, "ebx"), 24, 8),
        "procpkg": Field(Register(0x4, 0, "eax"), 26, 6),
        "maxhvleaf": Field(Register(0x40000000, None, "eax"), 0, 8),
        "nc": Field(Register(0x80000008, None, "ecx"), 0, 8),
        "apicidsize": Field(Register(0x80000008, None, "ecx"), 12, 4),
    }
)
"""Each field's place."""

EXTENSIONS: Mapping[str, Field] = MappingProxyType(
    {
        "model": Field(Register(0x1, None, "eax"), 16, 4),
        "family": Field(Register(0x1, None, "eax"), 20, 8),
    }
)
"""Where the rest of a number goes that is too large for its field."""
