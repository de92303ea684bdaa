"""The parts of a domain's description that are lists: memory, what lies where, parameters, grants and ports."""

from xlbuild.built import BuiltDomain
from xlbuild.inspect.domains.meanings import (
    ALTP2M_MODES,
    GRANT_TYPES,
    HVM_PARAMS,
    TIMER_MODES,
    VIRIDIAN_NAMES,
)
from xlbuild.inspect.domains.regions import domain_regions, virtual_address
from xlbuild.inspect.tree import Branch, Tree, hexadecimal
from xlbuild.inspect.words import flag_names
from xlbuild.plan.model import HvmParam
from xlbuild.units import FrameRange, Pfn, bytes_of


def describe_memory(built: BuiltDomain) -> Branch:
    """Return how much memory there is, and which frames exist."""
    described: dict[str, Tree] = {"total_pages": built.total_pages, "total_size": bytes_of(built.total_pages)}
    if built.target_pages is not None:
        described |= {"target_pages": built.target_pages, "target_size": bytes_of(built.target_pages)}
    described["populated"] = _ranges(built.populated)
    if built.populate_on_demand is not None:
        described["populate_on_demand"] = {
            "target": built.populate_on_demand.target,
            "populated": _ranges(built.populate_on_demand.populated),
        }
    return described


def describe_regions(built: BuiltDomain) -> list[Tree]:
    """Return everything in memory that has a name, by address: where it lies, and what it is."""
    rows: list[Tree] = []
    for region in domain_regions(built):
        row: dict[str, Tree] = {
            "name": region.name,
            "addr": hexadecimal(region.first),
            "end": hexadecimal(region.end),
            "size": region.size,
        }
        if built.is_pv:
            virtual = virtual_address(built, region.first)
            row["virt"] = hexadecimal(virtual) if virtual is not None else None
        rows.append(row | {"means": region.title})
    return rows


def describe_hvm_params(built: BuiltDomain) -> list[Tree]:
    """Return the HVM parameters in the order in which the toolstack sets them."""
    return [
        {
            "index": param.index,
            "name": param.name,
            "value": hexadecimal(param.value),
            "means": _param_meaning(param),
        }
        for param in built.hvm_params
    ]


def describe_grants(built: BuiltDomain) -> list[Tree]:
    """Return the grant table entries that the toolstack makes for the backends."""
    pages = {pfn: name for name, pfn in built.special_pages.items()}
    return [
        {
            "index": grant.index,
            "flags": hexadecimal(grant.flags),
            "domid": grant.domid,
            "frame": hexadecimal(grant.frame),
            "means": f"{GRANT_TYPES[grant.flags & 3]}: domain {grant.domid} may map "
            f"{pages.get(Pfn(grant.frame), 'this frame')}",
        }
        for grant in built.grants
    ]


def describe_event_channels(built: BuiltDomain) -> list[Tree]:
    """Return the event channels that the toolstack allocates for the backends."""
    ports = _ports(built)
    return [
        {
            "port": channel.port,
            "remote_domid": channel.remote_domid,
            "means": f"domain {channel.remote_domid} may bind it"
            + (f": {ports[channel.port]}" if channel.port in ports else ""),
        }
        for channel in built.event_channels
    ]


def describe_vnuma(built: BuiltDomain) -> Branch | None:
    """Return what the hypervisor is told of virtual NUMA nodes; None without any."""
    vnuma = built.vnuma
    if vnuma is None:
        return None
    return {
        "vnode_to_pnode": list(vnuma.vnode_to_pnode),
        "vcpu_to_vnode": list(vnuma.vcpu_to_vnode),
        "vdistance": [list(row) for row in vnuma.vdistance],
        "vmemranges": [
            {
                "start": hexadecimal(r.start),
                "end": hexadecimal(r.end),
                "size": r.end - r.start,
                "vnode": r.vnode,
            }
            for r in vnuma.vmemranges
        ],
    }


def _ranges(ranges: tuple[FrameRange, ...]) -> list[Tree]:
    return [
        {
            "first": hexadecimal(frames.first),
            "end": hexadecimal(frames.end),
            "pages": frames.pages,
            "size": bytes_of(frames.pages),
        }
        for frames in ranges
    ]


def _ports(built: BuiltDomain) -> dict[int, str]:
    """Return what each port is for, as the start info or the HVM parameters have it."""
    params = {param.name: param.value for param in built.hvm_params}
    named = built.start_info.fields if built.is_pv else params
    stored, console = (
        ("store_evtchn", "console_evtchn") if built.is_pv else ("STORE_EVTCHN", "CONSOLE_EVTCHN")
    )
    uses = ((named.get(stored), "xenstore"), (named.get(console), "console"))
    return {port: use for port, use in uses if isinstance(port, int)}


def _param_meaning(param: HvmParam) -> str:
    what = HVM_PARAMS.get(param.name, "not known")
    if param.name in ("VIRIDIAN", "MCA_CAP"):
        names = VIRIDIAN_NAMES if param.name == "VIRIDIAN" else {0: "LMCE"}
        return f"{what}: {flag_names(param.value, names)}"
    modes = {"TIMER_MODE": TIMER_MODES, "ALTP2M": ALTP2M_MODES, "HPET_ENABLED": ("no", "yes")}.get(param.name)
    modes = ("no", "yes") if param.name == "VPT_ALIGN" else modes
    if modes is not None and param.value < len(modes):
        return f"{what}: {modes[param.value]}"
    return what
