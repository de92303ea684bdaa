"""The keys that set how the domain is created and run: the platform it sees, limits, events, labels."""

from xlbuild.config.keys.model import ALL, HVM, PVH_HVM, Effect, Form, Key, Section

_S, _N, _B = Form.STRING, Form.NUMBER, Form.BOOLEAN
_IMAGE, _DOMAIN, _VERDICT, _NONE = Effect.IMAGE, Effect.DOMAIN, Effect.VERDICT, Effect.NONE

SECTIONS: tuple[Section, ...] = (
    Section(
        "Platform",
        (
            Key(
                "acpi",
                _B,
                _DOMAIN,
                HVM,
                "ACPI tables for HVM and Arm guests; PVH has them anyway",
                "1; Arm: 0",
            ),
            Key("acpi_s3", _B, _DOMAIN, HVM, "the ACPI tables know suspend to memory", "1"),
            Key("acpi_s4", _B, _DOMAIN, HVM, "the ACPI tables know suspend to disk", "1"),
            Key("acpi_laptop_slate", _B, _DOMAIN, HVM, "the ACPI tables know a laptop and slate switch", "0"),
            Key("apic", _B, _IMAGE, HVM, "whether hvmloader is told of a local APIC", "1"),
            Key("hpet", _B, _DOMAIN, HVM, "HVM_PARAM_HPET_ENABLED", "1"),
            Key("vpt_align", _B, _DOMAIN, HVM, "HVM_PARAM_VPT_ALIGN", "1"),
            Key(
                "timer_mode",
                Form.NUMBER_OR_NAME,
                _DOMAIN,
                PVH_HVM,
                "HVM_PARAM_TIMER_MODE; an error for PV",
                "no_delay_for_missed_ticks",
            ),
            Key(
                "hvm_pirq",
                _B,
                _DOMAIN,
                HVM,
                "interrupts of devices may be event channels",
                "0",
                since="4.19",
                source="CHANGELOG 4.19: HVM PIRQs are disabled by default",
            ),
            Key("hap", _B, _DOMAIN, PVH_HVM, "hardware-assisted paging", "1 where the host can"),
            Key("oos", _B, _DOMAIN, PVH_HVM, "shadow page tables may be out of step", "1"),
            Key("nestedhvm", _B, _VERDICT, PVH_HVM, "nested virtualisation; excludes altp2m", "0"),
            Key(
                "altp2m",
                Form.NUMBER_OR_NAME,
                _DOMAIN,
                PVH_HVM,
                "alternate memory maps: who may use them",
                "disabled",
            ),
            Key("altp2mhvm", _B, _DOMAIN, HVM, "altp2m in mixed mode", "0", instead="altp2m"),
            Key(
                "altp2m_count",
                _N,
                _DOMAIN,
                ALL,
                "how many alternate memory maps there can be, 0 to 65535",
                "10 with altp2m",
                silent=True,
                since="4.21",
                source="tools/xl: Add altp2m_count parameter (July 2025)",
            ),
            Key(
                "viridian",
                Form.BOOLEAN_OR_NAMES,
                _DOMAIN,
                HVM,
                "HVM_PARAM_VIRIDIAN: Hyper-V interfaces",
                "0",
                silent=True,
            ),
            Key("mca_caps", Form.NAMES, _DOMAIN, HVM, "HVM_PARAM_MCA_CAP: lmce"),
            Key("cpuid", Form.STRING_OR_LIST, _DOMAIN, ALL, "changes to the CPUID policy"),
            Key(
                "msr_relaxed",
                _B,
                _DOMAIN,
                ALL,
                "unknown MSRs read as 0, where they would be faults",
                "0",
                instead="leave it out",
            ),
            Key(
                "tsc_mode",
                Form.NUMBER_OR_NAME,
                _DOMAIN,
                ALL,
                "how the time stamp counter is provided",
                "default",
            ),
            Key("rtc_timeoffset", _N, _DOMAIN, ALL, "seconds that the guest's clock is ahead of UTC", "0"),
            Key("localtime", _B, _DOMAIN, ALL, "the guest's clock shows the host's local time", "0"),
            Key("pae", _B, _DOMAIN, HVM, "CPUID tells of PAE", "1"),
            Key("nx", _B, _NONE, HVM, "once: CPUID tells of NX; nothing reads it now"),
            Key("vpmu", _B, _DOMAIN, ALL, "a virtual performance monitoring unit", "0"),
            Key(
                "vmtrace_buf_kb",
                _N,
                _DOMAIN,
                PVH_HVM,
                "KiB of processor trace for each vCPU",
                "0",
                silent=True,
            ),
            Key(
                "nomigrate", _B, _DOMAIN, ALL, "it will not be migrated, so it may see an invariant TSC", "0"
            ),
        ),
    ),
    Section(
        "Events",
        (
            Key("on_poweroff", _S, _DOMAIN, ALL, "what xl does when it shuts down", "destroy"),
            Key("on_reboot", _S, _DOMAIN, ALL, "what xl does when it reboots", "restart"),
            Key("on_watchdog", _S, _DOMAIN, ALL, "what xl does when its watchdog ends", "destroy"),
            Key("on_crash", _S, _DOMAIN, ALL, "what xl does when it crashes", "destroy"),
            Key(
                "on_soft_reset", _S, _DOMAIN, ALL, "what xl does when it resets itself (kexec)", "soft-reset"
            ),
        ),
    ),
    Section(
        "Limits and labels",
        (
            Key(
                "max_event_channels",
                _N,
                _VERDICT,
                ALL,
                "highest event channel port; 1 and 2 must exist",
                "1023",
            ),
            Key("max_grant_frames", Form.BOUNDED, _VERDICT, ALL, "size of the grant table", "Xen's"),
            Key(
                "max_maptrack_frames", Form.BOUNDED, _VERDICT, ALL, "size of the grant mapping table", "Xen's"
            ),
            Key(
                "max_grant_version",
                Form.BOUNDED,
                _VERDICT,
                ALL,
                "newest grant table version, 0 to 15",
                "Xen's",
            ),
            Key("seclabel", _S, _DOMAIN, ALL, "its XSM label"),
            Key("init_seclabel", _S, _DOMAIN, ALL, "its XSM label while it is built"),
            Key("driver_domain", _B, _DOMAIN, ALL, "it may run the backends of devices", "0"),
            Key(
                "xenstore_feature_mask",
                _N,
                _DOMAIN,
                ALL,
                "xenstore features it is told of",
                "0xffffffff",
                since="4.21",
                source="tools: allow to limit xenstore features via guest config (July 2025)",
            ),
            Key(
                "xenstore_quota",
                Form.LIST,
                _DOMAIN,
                ALL,
                "its limits in xenstore, each `name=number`",
                since="4.22",
                source="CHANGELOG after 4.21: support for per-domain Xenstore quota",
            ),
            Key(
                "xend_suspend_evtchn_compat",
                _B,
                _DOMAIN,
                ALL,
                "a xenstore node for suspending as xend made it",
                "0",
            ),
        ),
    ),
)
"""The sections, in the order of the documentation."""
