"""The lists of devices in a libxl_domain_config: each element of a key by its own grammar (`config.devices`)."""

from xlbuild.config.values import Values
from xlbuild.container.model import Kind
from xlbuild.libxl.domain import DomainConfig


def with_devices(values: Values, config: DomainConfig, kind: Kind) -> DomainConfig:
    """Return the configuration with its devices."""
    return config
