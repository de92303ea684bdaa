"""libxl's devices: each field has libxl's name, place and default (_libxl_types.h)."""

from dataclasses import dataclass
from typing import ClassVar

from xlbuild.libxl.enums import (
    DiskBackend,
    DiskFormat,
    DiskSpecification,
    DiskTransport,
    Nameless,
    NicType,
    P9Type,
    RdmReservePolicy,
    UsbctrlType,
    VirtioTransport,
    VkbBackend,
    VsndPcmFormat,
    VsndStreamType,
)


@dataclass(frozen=True, slots=True)
class VncInfo:
    """libxl_vnc_info."""

    enable: bool | None = None
    listen: str | None = None
    passwd: str | None = None
    display: int = 0
    findunused: bool | None = None


@dataclass(frozen=True, slots=True)
class SdlInfo:
    """libxl_sdl_info."""

    enable: bool | None = None
    opengl: bool | None = None
    display: str | None = None
    xauthority: str | None = None


@dataclass(frozen=True, slots=True)
class DeviceDisk:
    """libxl_device_disk."""

    backend_domid: int = 0
    backend_domname: str | None = None
    pdev_path: str | None = None
    vdev: str | None = None
    backend: DiskBackend = DiskBackend.UNKNOWN
    format: DiskFormat = DiskFormat.UNKNOWN
    script: str | None = None
    removable: int = 0
    readwrite: int = 0
    is_cdrom: int = 0
    direct_io_safe: bool = False
    discard_enable: bool | None = None
    specification: DiskSpecification = DiskSpecification.UNKNOWN
    transport: DiskTransport = DiskTransport.UNKNOWN
    irq: int = 0
    base: int = 0
    colo_enable: bool | None = None
    colo_restore_enable: bool | None = None
    colo_host: str | None = None
    colo_port: int = 0
    colo_export: str | None = None
    active_disk: str | None = None
    hidden_disk: str | None = None
    trusted: bool | None = None
    grant_usage: bool | None = None
    """Since Xen 4.19."""


@dataclass(frozen=True, slots=True)
class DeviceNic:
    """libxl_device_nic."""

    backend_domid: int = 0
    backend_domname: str | None = None
    devid: int = -1
    mtu: int = 0
    vlan: str | None = None
    """Since Xen 4.20."""
    model: str | None = None
    mac: str | None = None
    ip: str | None = None
    bridge: str | None = None
    ifname: str | None = None
    script: str | None = None
    nictype: NicType = NicType.UNKNOWN
    rate_bytes_per_interval: int = 0
    rate_interval_usecs: int = 0
    gatewaydev: str | None = None
    coloft_forwarddev: str | None = None
    colo_sock_mirror_id: str | None = None
    colo_sock_mirror_ip: str | None = None
    colo_sock_mirror_port: str | None = None
    colo_sock_compare_pri_in_id: str | None = None
    colo_sock_compare_pri_in_ip: str | None = None
    colo_sock_compare_pri_in_port: str | None = None
    colo_sock_compare_sec_in_id: str | None = None
    colo_sock_compare_sec_in_ip: str | None = None
    colo_sock_compare_sec_in_port: str | None = None
    colo_sock_compare_notify_id: str | None = None
    colo_sock_compare_notify_ip: str | None = None
    colo_sock_compare_notify_port: str | None = None
    colo_sock_redirector0_id: str | None = None
    colo_sock_redirector0_ip: str | None = None
    colo_sock_redirector0_port: str | None = None
    colo_sock_redirector1_id: str | None = None
    colo_sock_redirector1_ip: str | None = None
    colo_sock_redirector1_port: str | None = None
    colo_sock_redirector2_id: str | None = None
    colo_sock_redirector2_ip: str | None = None
    colo_sock_redirector2_port: str | None = None
    colo_filter_mirror_queue: str | None = None
    colo_filter_mirror_outdev: str | None = None
    colo_filter_redirector0_queue: str | None = None
    colo_filter_redirector0_indev: str | None = None
    colo_filter_redirector0_outdev: str | None = None
    colo_filter_redirector1_queue: str | None = None
    colo_filter_redirector1_indev: str | None = None
    colo_filter_redirector1_outdev: str | None = None
    colo_compare_pri_in: str | None = None
    colo_compare_sec_in: str | None = None
    colo_compare_out: str | None = None
    colo_compare_notify_dev: str | None = None
    colo_sock_sec_redirector0_id: str | None = None
    colo_sock_sec_redirector0_ip: str | None = None
    colo_sock_sec_redirector0_port: str | None = None
    colo_sock_sec_redirector1_id: str | None = None
    colo_sock_sec_redirector1_ip: str | None = None
    colo_sock_sec_redirector1_port: str | None = None
    colo_filter_sec_redirector0_queue: str | None = None
    colo_filter_sec_redirector0_indev: str | None = None
    colo_filter_sec_redirector0_outdev: str | None = None
    colo_filter_sec_redirector1_queue: str | None = None
    colo_filter_sec_redirector1_indev: str | None = None
    colo_filter_sec_redirector1_outdev: str | None = None
    colo_filter_sec_rewriter0_queue: str | None = None
    colo_checkpoint_host: str | None = None
    colo_checkpoint_port: str | None = None
    trusted: bool | None = None


@dataclass(frozen=True, slots=True)
class DeviceVfb:
    """libxl_device_vfb."""

    backend_domid: int = 0
    backend_domname: str | None = None
    devid: int = -1
    vnc: VncInfo = VncInfo()
    sdl: SdlInfo = SdlInfo()
    keymap: str | None = None


@dataclass(frozen=True, slots=True)
class DeviceVkb:
    """libxl_device_vkb."""

    backend_domid: int = 0
    backend_domname: str | None = None
    devid: int = -1
    backend_type: VkbBackend = VkbBackend.UNKNOWN
    unique_id: str | None = None
    feature_disable_keyboard: bool = False
    feature_disable_pointer: bool = False
    feature_abs_pointer: bool = False
    feature_raw_pointer: bool = False
    feature_multi_touch: bool = False
    width: int = 0
    height: int = 0
    multi_touch_width: int = 0
    multi_touch_height: int = 0
    multi_touch_num_contacts: int = 0


@dataclass(frozen=True, slots=True)
class DeviceVirtio:
    """libxl_device_virtio, since 4.18."""

    backend_domid: int = 0
    backend_domname: str | None = None
    type: str | None = None
    transport: VirtioTransport = VirtioTransport.UNKNOWN
    grant_usage: bool | None = None
    devid: int = -1
    irq: int = 0
    base: int = 0


@dataclass(frozen=True, slots=True)
class DevicePci:
    """libxl_device_pci."""

    func: int = 0
    dev: int = 0
    bus: int = 0
    domain: int = 0
    vdevfn: int = 0
    vfunc_mask: int = 0
    msitranslate: bool = False
    power_mgmt: bool = False
    permissive: bool = False
    seize: bool = False
    rdm_policy: RdmReservePolicy | Nameless = RdmReservePolicy.INVALID
    name: str | None = None


@dataclass(frozen=True, slots=True)
class DeviceDtdev:
    """libxl_device_dtdev."""

    path: str | None = None


@dataclass(frozen=True, slots=True)
class DeviceVtpm:
    """libxl_device_vtpm."""

    backend_domid: int = 0
    backend_domname: str | None = None
    devid: int = -1
    uuid: str | None = None


@dataclass(frozen=True, slots=True)
class DeviceP9:
    """libxl_device_p9."""

    backend_domid: int = 0
    backend_domname: str | None = None
    tag: str | None = None
    path: str | None = None
    security_model: str | None = None
    devid: int = -1
    type: P9Type = P9Type.UNKNOWN
    max_space: int = 0
    max_files: int = 0
    max_open_files: int = 0
    auto_delete: bool = False


@dataclass(frozen=True, slots=True)
class DevicePvcallsif:
    """libxl_device_pvcallsif."""

    backend_domid: int = 0
    backend_domname: str | None = None
    devid: int = -1


@dataclass(frozen=True, slots=True)
class ConnectorParam:
    """libxl_connector_param."""

    unique_id: str | None = None
    width: int = 0
    height: int = 0


@dataclass(frozen=True, slots=True)
class DeviceVdispl:
    """libxl_device_vdispl."""

    backend_domid: int = 0
    backend_domname: str | None = None
    devid: int = -1
    be_alloc: bool = False
    connectors: tuple[ConnectorParam, ...] = ()


@dataclass(frozen=True, slots=True)
class VsndParams:
    """libxl_vsnd_params."""

    sample_rates: tuple[int, ...] = ()
    sample_formats: tuple[VsndPcmFormat, ...] = ()
    channels_min: int = 0
    channels_max: int = 0
    buffer_size: int = 0


@dataclass(frozen=True, slots=True)
class VsndStream:
    """libxl_vsnd_stream."""

    unique_id: str | None = None
    type: VsndStreamType | None = None
    params: VsndParams = VsndParams()


@dataclass(frozen=True, slots=True)
class VsndPcm:
    """libxl_vsnd_pcm."""

    name: str | None = None
    params: VsndParams = VsndParams()
    streams: tuple[VsndStream, ...] = ()


@dataclass(frozen=True, slots=True)
class DeviceVsnd:
    """libxl_device_vsnd."""

    backend_domid: int = 0
    backend_domname: str | None = None
    devid: int = -1
    short_name: str | None = None
    long_name: str | None = None
    params: VsndParams = VsndParams()
    pcms: tuple[VsndPcm, ...] = ()


@dataclass(frozen=True, slots=True)
class ChannelPty:
    """A channel to a pseudo terminal."""

    JSON_KEY: ClassVar[str] = "connection.pty"


@dataclass(frozen=True, slots=True)
class ChannelSocket:
    """A channel to a socket."""

    JSON_KEY: ClassVar[str] = "connection.socket"

    path: str | None = None


@dataclass(frozen=True, slots=True)
class DeviceChannel:
    """libxl_device_channel."""

    backend_domid: int = 0
    backend_domname: str | None = None
    devid: int = -1
    name: str | None = None
    u: ChannelPty | ChannelSocket | None = None


@dataclass(frozen=True, slots=True)
class DeviceUsbctrl:
    """libxl_device_usbctrl."""

    type: UsbctrlType = UsbctrlType.AUTO
    devid: int = -1
    version: int = 0
    ports: int = 0
    backend_domid: int = 0
    backend_domname: str | None = None


@dataclass(frozen=True, slots=True)
class UsbdevHostdev:
    """A device of the host, by its place on the bus."""

    JSON_KEY: ClassVar[str] = "type.hostdev"

    hostbus: int = 0
    hostaddr: int = 0


@dataclass(frozen=True, slots=True)
class DeviceUsbdev:
    """libxl_device_usbdev."""

    ctrl: int = -1
    port: int = 0
    u: UsbdevHostdev | None = None
