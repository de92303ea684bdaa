"""libxl_domain_create_info: what a domain is created with (upstream: xl's parse_config_data)."""

from xlbuild.config.model import GuestConfig
from xlbuild.config.values import Values
from xlbuild.container.model import Kind
from xlbuild.container.passthrough import passthrough_mode
from xlbuild.libxl.domain import DomainCreateInfo
from xlbuild.libxl.enums import DomainType, Passthrough


def create_info(values: Values, guest: GuestConfig, kind: Kind) -> DomainCreateInfo:
    """Return the create info; a uuid that is not given is left out, where xl makes a random one."""
    return DomainCreateInfo(
        type=DomainType(kind),
        hap=values.boolean("hap"),
        oos=values.boolean("oos"),
        ssid_label=seclabels(values)[0],
        name=guest.name,
        uuid=guest.uuid,
        pool_name=values.string("pool"),
        run_hotplug_scripts=True,
        driver_domain=values.boolean("driver_domain"),
        passthrough=values.problems.attempt(lambda: passthrough_mode(guest), Passthrough.DEFAULT),
        xend_suspend_evtchn_compat=values.boolean("xend_suspend_evtchn_compat"),
    )


def seclabels(values: Values) -> tuple[str | None, str | None]:
    """Return the labels with which a domain is created and with which it runs then, if that is another."""
    init, label = values.string("init_seclabel"), values.string("seclabel")
    return (label, None) if init is None else (init, label)
