"""One device of `vtpm`, as xl reads it (upstream: xl's parse_config_data)."""

from dataclasses import replace

from xlbuild.config.devices.options import bad_device, options_to_a_word
from xlbuild.config.problems import Problems
from xlbuild.config.settings import Element
from xlbuild.config.uuid import NIL_UUID, uuid_of
from xlbuild.libxl.devices import DeviceVtpm


def vtpm(element: Element, problems: Problems, release: str) -> DeviceVtpm:
    """Return the device; ConfigError where xl stops."""
    device = DeviceVtpm()
    for option in options_to_a_word(element, ("backend", "uuid"), problems):
        if option.key == "backend":
            device = replace(device, backend_domname=option.value)
            continue
        uuid = uuid_of(option.value)
        if uuid is None:
            cause = "xl takes the form with 32 hexadecimal digits and 4 hyphens, and nothing around it"
            message = f"{option.value!r} is no UUID"
            raise bad_device(element, option.value_index, message, cause, "correct it, or leave uuid= out")
        device = replace(device, uuid=None if uuid == NIL_UUID else uuid)
    if device.backend_domname is None:
        cause = "a virtual TPM needs the domain that provides it"
        raise bad_device(element, 0, "vtpm has no backend", cause, 'write "backend=DOMAIN"')
    return device
