"""HVM parameters (public hvm/params.h), by Xen's names without the prefix."""

HVM_PARAMS: dict[str, int] = {
    "STORE_PFN": 1,
    "STORE_EVTCHN": 2,
    "IOREQ_PFN": 5,
    "BUFIOREQ_PFN": 6,
    "VIRIDIAN": 9,
    "TIMER_MODE": 10,
    "HPET_ENABLED": 11,
    "IDENT_PT": 12,
    "VPT_ALIGN": 16,
    "CONSOLE_PFN": 17,
    "CONSOLE_EVTCHN": 18,
    "PAGING_RING_PFN": 27,
    "MONITOR_RING_PFN": 28,
    "SHARING_RING_PFN": 29,
    "IOREQ_SERVER_PFN": 32,
    "NR_IOREQ_SERVER_PAGES": 33,
    "ALTP2M": 35,
    "MCA_CAP": 38,
}
