"""Write a hello guest to standard output, for the real `xl` say: `python -m xlbuild.hello pv > hello.elf`."""

import sys

from xlbuild.errors import ExitStatus
from xlbuild.hello import HELLO_KERNELS


def main(arguments: list[str]) -> ExitStatus:
    """Write the guest that the one argument names, `pv` or `pvh`."""
    make = HELLO_KERNELS.get(f"hello-{arguments[0]}") if len(arguments) == 1 else None
    if make is None:
        sys.stderr.write("usage: python -m xlbuild.hello pv|pvh > FILE\n")
        return ExitStatus.USAGE
    try:
        sys.stdout.buffer.write(make())
        sys.stdout.buffer.flush()
    except OSError as error:
        sys.stderr.write(f"xlbuild.hello: the kernel cannot be written: {error.strerror}\n")
        return ExitStatus.FILES
    return ExitStatus.OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
