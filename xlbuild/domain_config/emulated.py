"""What the device model emulates for an HVM guest: graphics, and other devices (upstream: xl's parse_config_data)."""

from dataclasses import replace

from xlbuild.cnumbers import int32
from xlbuild.config.model import GuestConfig
from xlbuild.config.values import Values
from xlbuild.container.choices import by_name
from xlbuild.container.device_model import vga_kind
from xlbuild.domain_config.display import sdl_info, vnc_info
from xlbuild.errors import ConfigError
from xlbuild.libxl.devices import VncInfo
from xlbuild.libxl.domain import Hvm, SpiceInfo, VgaInterfaceInfo
from xlbuild.libxl.enums import GfxPassthruKind, Hdtype, VendorDevice, VgaInterfaceType


def with_graphics(values: Values, guest: GuestConfig, part: Hvm) -> Hvm:
    """Return HVM's part with its graphics cards and displays."""
    attempt = values.problems.attempt
    passthru = values.number_or_name("gfx_passthru")
    kind = attempt(lambda: _gfx_passthru_kind(guest, passthru), GfxPassthruKind.DEFAULT)
    return replace(
        part,
        nographic=values.boolean("nographic"),
        vga=VgaInterfaceInfo(attempt(lambda: vga_kind(guest), VgaInterfaceType.UNKNOWN)),
        vnc=attempt(lambda: _vnc(values, guest), VncInfo()),
        keymap=values.string("keymap"),
        sdl=sdl_info(values),
        spice=_spice(values),
        gfx_passthru=None if passthru is None else passthru != 0,
        gfx_passthru_kind=kind,
    )


def with_devices(values: Values, guest: GuestConfig, part: Hvm) -> Hvm:
    """Return HVM's part with its other devices."""
    attempt = values.problems.attempt
    serial = values.string_or_strings("serial")
    usbdevice = values.string_or_strings("usbdevice")
    hdtype, vendor_device = values.string("hdtype"), values.string("vendor_device")
    return replace(
        part,
        hdtype=attempt(lambda: by_name(guest, "hdtype", hdtype, Hdtype), None) or Hdtype.IDE,
        serial=serial if isinstance(serial, str) else None,
        boot=values.string("boot"),
        usb=values.boolean("usb"),
        usbversion=int32(values.number("usbversion")),
        usbdevice=usbdevice if isinstance(usbdevice, str) else None,
        vkb_device=values.boolean("vkb_device"),
        soundhw=values.string("soundhw"),
        xen_platform_pci=values.boolean("xen_platform_pci"),
        xen_platform_pci_bar_uc=values.boolean("xen_platform_pci_bar_uc"),
        usbdevice_list=usbdevice if isinstance(usbdevice, tuple) and usbdevice else None,
        vendor_device=attempt(lambda: by_name(guest, "vendor_device", vendor_device, VendorDevice), None)
        or VendorDevice.NONE,
        serial_list=serial if isinstance(serial, tuple) and serial else None,
    )


def _gfx_passthru_kind(guest: GuestConfig, value: int | str | None) -> GfxPassthruKind:
    """Return which kind of card a name means; a number only says whether there is one."""
    named = by_name(guest, "gfx_passthru", value, GfxPassthruKind) if isinstance(value, str) else None
    return named or GfxPassthruKind.DEFAULT


def _vnc(values: Values, guest: GuestConfig) -> VncInfo:
    vnc = vnc_info(values)
    if vnc.display and ":" in (vnc.listen or ""):
        raise ConfigError(
            "config-vnc-display-twice",
            f"vnclisten = {vnc.listen!r} and vncdisplay = {vnc.display} both name the display",
            cause="what follows a colon in vnclisten is taken for a display's number",
            hint="write the address into vnclisten, and the number into vncdisplay",
            where=guest.where("vnclisten"),
        )
    return vnc


def _spice(values: Values) -> SpiceInfo:
    return SpiceInfo(
        enable=values.boolean("spice"),
        port=int32(values.number("spiceport")),
        tls_port=int32(values.number("spicetls_port")),
        host=values.string("spicehost"),
        disable_ticketing=values.boolean("spicedisable_ticketing"),
        passwd=values.string("spicepasswd"),
        agent_mouse=values.boolean("spiceagent_mouse"),
        vdagent=values.boolean("spicevdagent"),
        clipboard_sharing=values.boolean("spice_clipboard_sharing"),
        usbredirection=int32(values.number("spiceusbredirection")),
        image_compression=values.string("spice_image_compression"),
        streaming_video=values.string("spice_streaming_video"),
    )
