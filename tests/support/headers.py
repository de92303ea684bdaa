"""Xen's public headers as gcc understands them, Debian's libxen-dev: what a C expression's value is."""

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

HEADERS = Path("/usr/include/xen")

INCLUDED = (
    "xen.h",
    "elfnote.h",
    "event_channel.h",
    "features.h",
    "memory.h",
    "sched.h",
    "hvm/hvm_info_table.h",
    "hvm/hvm_op.h",
    "hvm/hvm_vcpu.h",
    "hvm/params.h",
    "hvm/save.h",
    "io/console.h",
    "arch-x86/hvm/start_info.h",
    "foreign/x86_32.h",
    "foreign/x86_64.h",
)
"""In this order; each stands below `xen/`."""


@cache
def why_no_headers() -> str | None:
    if not shutil.which("gcc"):
        return "gcc is not installed"
    if not (HEADERS / "foreign" / "x86_32.h").exists():
        return "Xen's public headers are not installed (Debian: libxen-dev)"
    return None


def values_of(expressions: Sequence[str], more_headers: Sequence[str] = ()) -> list[int]:
    """Return the unsigned 64-bit values of C expressions; an AssertionError says what gcc does not understand.

    `more_headers` are of other packages, by what stands in angle brackets.
    """
    program = [
        "#define __XEN_INTERFACE_VERSION__ __XEN_LATEST_INTERFACE_VERSION__",
        *(f"#include <{header}>" for header in ("stddef.h", "stdint.h", "stdio.h")),
        *(f"#include <xen/{header}>" for header in INCLUDED),
        *(f"#include <{header}>" for header in more_headers),
        "int main(void) {",
        *(f'printf("%llu\\n", (unsigned long long)({expression}));' for expression in expressions),
        "}",
    ]
    with tempfile.TemporaryDirectory() as directory:
        binary = Path(directory) / "values"
        compiled = subprocess.run(
            ["gcc", "-x", "c", "-", "-o", binary],
            input="\n".join(program),
            capture_output=True,
            text=True,
            check=False,
        )
        assert compiled.returncode == 0, compiled.stderr
        printed = subprocess.run([binary], capture_output=True, text=True, check=True).stdout
    return [int(line) for line in printed.split()]
