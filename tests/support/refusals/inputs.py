"""Files that cannot be read, and places that cannot be written."""

import os
from pathlib import Path

from refusals.model import HELLO_PV, PV, PVH, REFUSES, Case, Group


def a_pipe(directory: Path) -> None:
    os.mkfifo(directory / "vmlinuz")


def a_directory(directory: Path) -> None:
    (directory / "vmlinuz").mkdir()


def a_secret(directory: Path) -> None:
    (directory / "vmlinuz").touch(mode=0)


def a_loop(directory: Path) -> None:
    (directory / "vmlinuz").symlink_to("vmlinuz")


def a_large_file(directory: Path) -> None:
    with (directory / "vmlinuz").open("wb") as file:
        file.truncate((1 << 30) + 1)


def a_target(directory: Path) -> None:
    (directory / "g").mkdir()
    (directory / "g" / "mine").touch()


def a_file_in_the_way(directory: Path) -> None:
    (directory / "out").touch()


INPUTS = Group(
    "Files that cannot be read",
    (
        Case(
            "a kernel that is not there",
            PV,
            status=4,
            xl=REFUSES,
            said="""\
xlbuild: error[XLB501]: guest.cfg:1:35, key kernel: the kernel vmlinuz cannot be read
  cause: no such file or directory
  mend:  check the path; relative paths start where the command runs
""",
        ),
        Case(
            "a kernel that is a directory",
            PV,
            prepare=a_directory,
            status=4,
            xl=REFUSES,
            said="""\
xlbuild: error[XLB501]: guest.cfg:1:35, key kernel: the kernel vmlinuz cannot be read
  cause: it is a directory, not a regular file
  mend:  name a file, not a directory
""",
        ),
        Case(
            "a kernel that is a pipe",
            PVH,
            prepare=a_pipe,
            status=4,
            said="""\
xlbuild: error[XLB501]: guest.cfg:1:36, key kernel: the kernel vmlinuz cannot be read
  cause: it is a pipe, not a regular file
  mend:  copy what it gives to a regular file, and name that
""",
        ),
        Case(
            "a kernel that is a device",
            PV.replace('"vmlinuz"', '"/dev/zero"'),
            status=4,
            said="""\
xlbuild: error[XLB501]: guest.cfg:1:35, key kernel: the kernel /dev/zero cannot be read
  cause: it is a device, not a regular file
  mend:  copy what it gives to a regular file, and name that
""",
        ),
        Case(
            "a kernel that may not be read",
            PV,
            prepare=a_secret,
            status=4,
            said="""\
xlbuild: error[XLB501]: guest.cfg:1:35, key kernel: the kernel vmlinuz cannot be read
  cause: permission denied
  mend:  let the user who builds read it
""",
        ),
        Case(
            "a kernel that is a link to itself",
            PV,
            prepare=a_loop,
            status=4,
            xl=REFUSES,
            said="""\
xlbuild: error[XLB501]: guest.cfg:1:35, key kernel: the kernel vmlinuz cannot be read
  cause: too many levels of symbolic links
  mend:  check the path: a symbolic link on the way leads back to itself
""",
        ),
        Case(
            "a kernel of more than 1 GiB",
            PV,
            prepare=a_large_file,
            xl=REFUSES,
            said="""\
xlbuild: error[XLB501]: guest.cfg:1:35, key kernel: the kernel vmlinuz is too large
  cause: it has 1,073,741,825 bytes; 1 GiB is the most that Xen's toolstack reads
  mend:  use a smaller file
""",
        ),
        Case(
            "a kernel of more than was asked for",
            PV,
            {"vmlinuz": lambda: bytes(5000)},
            arguments="create --max-kernel-size 4K guest.cfg",
            said="""\
xlbuild: error[XLB501]: guest.cfg:1:35, key kernel: the kernel vmlinuz is too large
  cause: it has 5,000 bytes; 4 KiB is the most that --max-kernel-size allows
  mend:  use a smaller file, or allow more with --max-kernel-size
""",
        ),
        Case(
            "a built-in kernel that there is not",
            PV.replace('"vmlinuz"', '"xlbuild:hello"'),
            status=4,
            mended='create guest.cfg kernel="xlbuild:hello-pv"',
            said="""\
xlbuild: error[XLB501]: guest.cfg:1:35, key kernel: xlbuild:hello is not an image that this program has built in
  cause: there is no 'hello'
  mend:  use xlbuild:hello-pv or xlbuild:hello-pvh
""",
        ),
        Case(
            "a configuration that is not there",
            HELLO_PV,
            arguments="create gest.cfg",
            status=4,
            mended="create guest.cfg",
            said="""\
xlbuild: error[XLB501]: the configuration gest.cfg cannot be read
  cause: no such file or directory
  mend:  check the path; relative paths start where the command runs
""",
        ),
        Case(
            "a configuration that is a directory",
            HELLO_PV,
            arguments="create .",
            status=4,
            said="""\
xlbuild: error: the configuration . cannot be read
  cause: it is a directory, not a regular file
  mend:  give a regular file, or `-` to read standard input
""",
        ),
        Case(
            "a host file that is no JSON",
            HELLO_PV,
            {"host.json": lambda: b"{}}"},
            arguments="create --host host.json guest.cfg",
            status=1,
            said="""\
xlbuild: error: host.json:1:3: the host file is no JSON
  cause: extra data
  mend:  docs/host.md describes the file; scripts/host-facts writes it on a host
""",
        ),
    ),
)

TARGETS = Group(
    "Places that cannot be written",
    (
        Case(
            "something has the name",
            HELLO_PV,
            prepare=a_target,
            status=4,
            mended="create -o other guest.cfg",
            said="""\
xlbuild: error: g exists already
  cause: a build never overwrites silently
  mend:  give another place with -o DIR, or remove it
""",
        ),
        Case(
            "what has the name is no domain, with --force",
            HELLO_PV,
            prepare=a_target,
            arguments="create --force guest.cfg",
            status=4,
            mended="create -o other guest.cfg",
            said="""\
xlbuild: error: g is not replaced, even with --force
  cause: it is no directory with a domain.json of xlbuild.domain/1
  mend:  remove it yourself, or give another place with -o DIR
""",
        ),
        Case(
            "a disk image has the name of the save file, with --force",
            HELLO_PV,
            {"g.save": lambda: bytes(510) + b"\x55\xaa"},
            arguments="create --force --format save guest.cfg",
            status=4,
            mended="create --format save -o other guest.cfg",
            said="""\
xlbuild: error: g.save is not replaced, even with --force
  cause: it is no save file
  mend:  remove it yourself, or give another place with -o FILE
""",
        ),
        Case(
            "a directory that is not there",
            HELLO_PV,
            arguments="create -o no/such/g guest.cfg",
            status=4,
            mended="create -o g guest.cfg",
            said="""\
xlbuild: error: no/such/g cannot be written
  cause: the directory that it would be in does not exist
  mend:  make the directory, or give another place with -o
""",
        ),
        Case(
            "a file in the place of a directory",
            HELLO_PV,
            prepare=a_file_in_the_way,
            arguments="create -o out/g guest.cfg",
            status=4,
            mended="create -o other guest.cfg",
            said="""\
xlbuild: error: out/g cannot be written
  cause: not a directory: a part of the way to it is a file
  mend:  give another place with -o
""",
        ),
        Case(
            "a name with a slash in it",
            HELLO_PV.replace('"g"', '"a/b"'),
            status=1,
            mended="create -o g guest.cfg",
            said="""\
xlbuild: error: the domain's name 'a/b' cannot name a directory
  cause: it is empty, a dot, or has a slash in it
  mend:  say where to write the domain with -o DIR
""",
        ),
    ),
)
