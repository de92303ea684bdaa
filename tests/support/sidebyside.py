"""Builds a random guest with xlbuild and with Xen's own toolstack, and says whether both did the same.

The same verdict, and where both build the guest every page, register and record. Where xlbuild differs on purpose,
`EXCEPTIONS` says so; docs/differences.md says it to users.
"""

import re
import shutil
import subprocess
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from compare import compare_directories
from hosts import HOSTS
from ours import LIKE_THE_REFERENCE, build_from
from randomfile import WITHOUT_CODEC
from randomguest import Case, make_case
from toolstack import XEN_ROOT, Built, Toolstack

from xlbuild import api
from xlbuild.errors import XlbuildError

RELEASE = "4.17"
"""What xlbuild builds as."""

SECONDS = 15
"""The real toolstack gets so long for one guest: some kernels make it loop for ever."""

EVERY = 16
"""One case in so many goes through the real command line, in a process of its own."""


@dataclass(frozen=True)
class Ours:
    """How xlbuild ended: with a domain, an error, or a bug."""

    directory: Path
    packing: tuple[str, ...] = ()
    error: XlbuildError | None = None
    bug: Exception | None = None

    @property
    def built(self) -> bool:
        """Whether there is a domain."""
        return self.error is None and self.bug is None

    @property
    def code(self) -> str:
        """The error's code; nothing when it built the guest."""
        return "" if self.error is None else self.error.code

    @property
    def kind(self) -> str:
        """The code and, for a kernel that no loader takes, the most telling reason without its particulars."""
        if self.error is None or self.code != "kernel-not-recognised":
            return self.code
        reasons = (self.error.cause or "").splitlines()
        reason = next((line for line in reasons if line.startswith("Linux bzImage: its ")), reasons[-1])
        general = re.split("[,:] ", reason.partition(": ")[2])[0]
        return f"{self.code}: {_PARTICULARS.sub('…', general)}"


_PARTICULARS = re.compile(r"\b0x[0-9a-f]+|\b\d[\d.]*\b|`[^`]*`|\(.*\)")

Predicate = Callable[[Ours, Built], bool]


@dataclass(frozen=True)
class Exemption:
    """A difference that is meant."""

    name: str
    """As docs/differences.md calls it."""
    applies: Predicate
    reason: str


def _refused(code: str, words: str = "") -> Predicate:
    """Return whether xlbuild refused the guest with this code and said these words."""
    return lambda ours, theirs: (
        ours.code == code and words in f"{ours.error}{ours.error and ours.error.cause}"
    )


def _died(code: str) -> Predicate:
    """Return whether xlbuild refused the guest with this code, and the real toolstack crashed or did not end."""
    return lambda ours, theirs: ours.code == code and theirs.died


def _unpacked(*codecs: str) -> Predicate:
    """Return whether xlbuild built a kernel that is packed with one of these, and the real toolstack refused it."""
    return lambda ours, theirs: theirs.refused and any(codec in ours.packing for codec in codecs)


_ZSTD = "zstd payload cannot be unpacked: Unable to decompress Zstandard data: Data corruption detected"

EXCEPTIONS: tuple[Exemption, ...] = (
    Exemption("bzip2 and LZO", _unpacked(*WITHOUT_CODEC), "Debian's library is built without these codecs"),
    Exemption("Kernels for Arm", _refused("kernel-arm"), "Xen takes some of them for HVM firmware"),
    Exemption(
        "zstd payloads with a window too small for their data",
        _refused("kernel-not-recognised", _ZSTD),
        "Xen unpacks at one go and does not notice",
    ),
    Exemption(
        "HVM firmware with a VIRT_BASE note",
        _refused("kernel-not-pvh", "has the note VIRT_BASE"),
        "Xen places by it what lies behind, but not the firmware",
    ),
    Exemption("32-bit BSD symbol tables", _died("kernel-bsd-symtab"), "Xen's builder crashes"),
    Exemption("INIT_P2M", _died("init-p2m-overlap"), "Xen's builder aborts"),
    Exemption(
        "linear mapping that ends at 2^64", _died("address-space-exhausted"), "Xen's builder does not end"
    ),
    Exemption(
        "HYPERCALL_PAGE outside the guest's memory",
        _refused("hypercall-page-outside"),
        "only a hypervisor can refuse it there, and does",
    ),
    Exemption(
        "memory, maxmem and videoram", _refused("config-memory-impossible"), "libxl's page counts wrap"
    ),
    Exemption("`max_event_channels=1`", _refused("config-event-channels"), "no port is left for the console"),
    Exemption(
        "More than 128 vCPUs",
        _refused("config-bad-vcpus", "too many"),
        "Xen refuses them, the toolstack alone does not",
    ),
    Exemption(
        "command line of 1,024 bytes or more for a PV kernel behind the shim",
        _died("module-cmdline-too-long"),
        "Xen's builder aborts",
    ),
    Exemption("`bootloader=`", _refused("config-bootloader"), "the program is not run"),
)
"""Every way in which verdicts may differ, in the order in which they are tried."""


@dataclass(frozen=True)
class Result:
    """What came of a case."""

    case: int
    about: str
    """What the case is made of."""
    verdict: str
    """built, refused, an exception's name, or DIFFERENT."""
    kind: str
    """The kind of xlbuild's refusal; nothing when it built the guest."""
    differences: list[str]


DIFFERENT = "DIFFERENT"


def side_by_side(number: int, directory: Path) -> Result:
    """Build a case both ways in `directory`, which is empty and stays the caller's to remove."""
    case = make_case(number)
    config = _write(case, directory)
    theirs = _theirs(case, config, directory / "theirs")
    ours = build_ours(case, config, directory / "ours")
    differences = [] if number % EVERY or case.mfn_base else _through_the_command_line(case, config, ours)
    if ours.bug is not None:
        differences.append(f"xlbuild has a bug: {type(ours.bug).__name__}: {ours.bug}")
    verdict = DIFFERENT
    if not differences:
        verdict, differences = _judge(case, config, ours, theirs)
    return Result(number, case.describe(), DIFFERENT if differences else verdict, ours.kind, differences)


def safely_side_by_side(number: int, directory: Path) -> Result:
    """Do the same; when the comparison itself fails, that is a difference of this case and not the end of all."""
    try:
        return side_by_side(number, directory)
    except Exception:
        return Result(
            number, make_case(number).describe(), DIFFERENT, "", traceback.format_exc().splitlines()
        )


def _write(case: Case, directory: Path) -> Path:
    files = directory / "files"
    files.mkdir()
    for name, file in case.files.items():
        (files / name).write_bytes(file.data)
    config = directory / "guest.cfg"
    config.write_bytes(case.config(str(files)).encode(errors="surrogateescape"))
    if case.host is not None:
        HOSTS[case.host].write(directory)
    return config


def _theirs(case: Case, config: Path, directory: Path) -> Built:
    environment = {"TMPDIR": str(config.parent), "FAKEXEN_MFN_BASE": hex(case.mfn_base)}
    if case.host is not None:
        environment["FAKEXEN_HOST"] = str(config.with_name("host.lines"))
    toolstack = Toolstack(directory.parent, environment)
    return toolstack.xlcreate_to_its_end(config, directory, *case.settings, seconds=SECONDS)


def build_ours(case: Case, config: Path, directory: Path) -> Ours:
    """Build a case with xlbuild, in this process."""
    host = None if case.host is None else config.with_name("host.json")
    try:
        if case.mfn_base:
            domain = build_from(case.mfn_base, config.read_bytes(), case.settings, release=RELEASE)
        else:
            domain = api.build(
                config,
                overrides=case.settings,
                xen=RELEASE,
                firmware_dirs=[str(XEN_ROOT)],
                hypercall_page=False,
                host=host,
            )
        api.write(domain, directory)
    except XlbuildError as error:
        return Ours(directory, error=error)
    except Exception as bug:
        return Ours(directory, bug=bug)
    return Ours(directory, domain.plan.request.image.packing)


def _through_the_command_line(case: Case, config: Path, ours: Ours) -> list[str]:
    """Build the case once more with the command `xlbuild`; its output replaces what this process made."""
    shutil.rmtree(ours.directory, ignore_errors=True)
    host = [] if case.host is None else ["--host", str(config.with_name("host.json"))]
    arguments = [*LIKE_THE_REFERENCE, *host, "-o", str(ours.directory), str(config), *case.settings]
    command = [sys.executable, "-m", "xlbuild", "create", "-q", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    expected = 70 if ours.bug else 0 if ours.error is None else ours.error.exit_status
    if done.returncode == expected and (expected == 0) is ours.directory.exists():
        return []
    return [
        f"the command xlbuild ends with {done.returncode} where the library says {expected}: {done.stderr}"
    ]


def _judge(case: Case, config: Path, ours: Ours, theirs: Built) -> tuple[str, list[str]]:
    """Return the verdict and the differences."""
    if ours.built and not theirs.refused:
        return "built", compare_directories(ours.directory, theirs.directory).differences
    if not ours.built and theirs.refused and not theirs.died:
        return "refused", []
    for exemption in EXCEPTIONS:
        if exemption.applies(ours, theirs):
            return exemption.name, _with_stand_ins(case, config, ours)
    cause = "" if ours.error is None else f"refuses it: {ours.error} ({ours.code}); {ours.error.cause}"
    return DIFFERENT, [f"xlbuild {cause or 'builds it'}; {_end(theirs)}"]


def _end(theirs: Built) -> str:
    """Return what the real toolstack did, with its last words on why."""
    if not theirs.refused:
        return "xl builds it"
    complaints = [line.strip() for line in theirs.log.splitlines() if "panic:" in line or "rror:" in line]
    did = "dies" if theirs.died else "refuses it"
    return f"xl {did} (status {theirs.returncode}): {'; '.join(complaints[:3]) or theirs.log[-200:]}"


def _with_stand_ins(case: Case, config: Path, ours: Ours) -> list[str]:
    """Compare with what the real toolstack builds from the same files, packed so that it can read them."""
    stand_ins = {name: file.stand_in for name, file in case.files.items() if file.stand_in is not None}
    if not stand_ins or not ours.built:
        return []
    for name, data in stand_ins.items():
        (config.parent / "files" / name).write_bytes(data)
    theirs = _theirs(case, config, config.parent / "stand-in")
    if theirs.refused:
        return [f"with its payload packed with xz, {_end(theirs)}"]
    return compare_directories(ours.directory, theirs.directory).differences
