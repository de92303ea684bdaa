"""The device model, which emulates devices for HVM and serves paravirtual ones (upstream: xl's parse_config_data)."""

from dataclasses import replace

from xlbuild.config.model import GuestConfig
from xlbuild.config.values import Values
from xlbuild.container.device_model import check_version
from xlbuild.domain_config.create_info import seclabels
from xlbuild.domain_config.numbers import kib
from xlbuild.errors import Diagnostic
from xlbuild.libxl.domain import DomainBuildInfo
from xlbuild.libxl.enums import DeviceModelVersion
from xlbuild.profiles import PROFILES


def with_device_model(values: Values, guest: GuestConfig, info: DomainBuildInfo) -> DomainBuildInfo:
    """Return the build info with the device model and its stub domain, and with the guest's label at run time."""
    attempt = values.problems.attempt
    return replace(
        info,
        exec_ssid_label=seclabels(values)[1],
        device_model_version=attempt(lambda: _version(values, guest), DeviceModelVersion.UNKNOWN),
        device_model_stubdomain=guest.device_model_stubdomain_override,
        stubdomain_memkb=kib(values.number("stubdomain_memory")),
        stubdomain_kernel=values.string("stubdomain_kernel"),
        stubdomain_cmdline=values.string("stubdomain_cmdline"),
        stubdomain_ramdisk=values.string("stubdomain_ramdisk"),
        device_model=_path(values, guest),
        device_model_ssid_label=values.string("device_model_stubdomain_seclabel"),
        device_model_user=values.string("device_model_user"),
        extra=attempt(lambda: values.strings_or_stop("device_model_args"), None) or None,
        extra_pv=attempt(lambda: values.strings_or_stop("device_model_args_pv"), None) or None,
        extra_hvm=attempt(lambda: values.strings_or_stop("device_model_args_hvm"), None) or None,
        dm_restrict=values.boolean("dm_restrict"),
    )


def _version(values: Values, guest: GuestConfig) -> DeviceModelVersion:
    check_version(guest, next(profile for profile in PROFILES if profile.name == values.release))
    if guest.device_model_version is None:
        return DeviceModelVersion.UNKNOWN
    return DeviceModelVersion(guest.device_model_version.replace("-", "_"))


def _path(values: Values, guest: GuestConfig) -> str | None:
    path = values.string("device_model_override")
    if path is not None and guest.device_model_version is None:
        message = "device_model_override is there without device_model_version, which says how to call it"
        hint = 'add device_model_version = "qemu-xen"'
        where = guest.where("device_model_override")
        values.problems.warn(Diagnostic("config-device-model-override", message, where, hint))
    return path
