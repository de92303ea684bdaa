"""xenlab: a real Xen 4.17 with a Debian dom0, under QEMU, driven by a script (docs/xen.md).

status 3: the machine cannot be made, or failed; nothing is said about any guest
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from xenlab.model import Lab, LabError
from xenlab.packages import versions
from xenlab.run import run
from xenlab.setup import STEPS, set_up

_MACHINE_FAILED = 3


def main(arguments: Sequence[str]) -> int:
    """Do what the command line says; return the exit status."""
    options = _options().parse_args(arguments)
    lab = Lab()
    try:
        match options.command:
            case "setup":
                with lab.locked(alone=True):
                    set_up(lab, afresh=options.afresh)
                return 0
            case "status":
                return _status(lab)
            case _:
                return _run(lab, options)
    except (LabError, OSError) as error:
        print(f"xenlab: {error}", file=sys.stderr)
        return _MACHINE_FAILED


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="xenlab", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    setup = commands.add_parser("setup", help="fetch and make everything, unless it is there (as root)")
    setup.add_argument("--afresh", action="store_true", help="make everything again")
    runs = commands.add_parser("run", help="run a script as root in dom0; its status is the script's")
    runs.add_argument("input", help="directories whose content appears in /in (comma-separated; - for none)")
    runs.add_argument("script", type=Path, help="a shell script")
    runs.add_argument("output", type=Path, help="the directory that gets what the script put into /out")
    runs.add_argument("--timeout", type=int, default=300, metavar="S", help="seconds for the script (300)")
    runs.add_argument("-v", "--verbose", action="store_true", help="show the console")
    commands.add_parser("status", help="tell what there is")
    return parser


def _status(lab: Lab) -> int:
    print(lab.directory)
    for step in STEPS:
        print(f"  {step.what}: {'done' if (lab.stamps / step.name).exists() else 'missing'}")
    if lab.ready:
        print("\n".join(f"  {name} {version}" for name, version in versions(lab).items()))
    return 0


def _run(lab: Lab, options: argparse.Namespace) -> int:
    began = time.monotonic()
    inputs = [Path(name) for name in options.input.split(",") if name not in ("", "-")]
    outcome = run(lab, inputs, options.script, options.output, seconds=options.timeout, echo=options.verbose)
    seconds = time.monotonic() - began
    print(f"xenlab: status {outcome.status} after {seconds:.0f} s; {options.output}", file=sys.stderr)
    return outcome.status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
