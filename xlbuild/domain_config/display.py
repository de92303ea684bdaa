"""The display's keys at the top level: HVM's own, or those of the framebuffer that a PV guest gets."""

from xlbuild.cnumbers import int32
from xlbuild.config.values import Values
from xlbuild.libxl.devices import SdlInfo, VncInfo


def vnc_info(values: Values) -> VncInfo:
    """Return what the vnc... keys say (upstream: parse_top_level_vnc_options)."""
    return VncInfo(
        enable=values.boolean("vnc"),
        listen=values.string("vnclisten"),
        passwd=values.string("vncpasswd"),
        display=int32(values.number("vncdisplay")),
        findunused=values.boolean("vncunused"),
    )


def sdl_info(values: Values) -> SdlInfo:
    """Return what the sdl keys say (upstream: parse_top_level_sdl_options)."""
    return SdlInfo(
        enable=values.boolean("sdl"),
        opengl=values.boolean("opengl"),
        display=values.string("display"),
        xauthority=values.string("xauthority"),
    )
