"""Guests of our own that say hello: one kernel for each container, made by readable code, no compiler needed.

They print what the start-of-day structures tell them and power off, so whoever starts one sees whether a
guest was built right. A configuration names them as `kernel = "xlbuild:hello-pv"`.
"""

from collections.abc import Callable, Mapping
from typing import Final, Literal

from xlbuild.hello import pv, pvh

HELLO_KERNELS: Final[Mapping[str, Callable[[], bytes]]] = {
    "hello-pv": pv.kernel,
    "hello-pvh": pvh.kernel,
}
"""What may stand behind `xlbuild:`, each with the function that makes the ELF file."""


def hello_kernel(container: Literal["pv", "pvh"]) -> bytes:
    """Return the ELF file of the hello guest for a container; the same bytes every time."""
    return HELLO_KERNELS[f"hello-{container}"]()
