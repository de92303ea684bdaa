"""Makes what a case needs, for xlbuild and for Xen's own toolstack."""

from pathlib import Path

from refusals.model import Case
from xlbuild.hello import HELLO_KERNELS


def make(case: Case, directory: Path) -> None:
    """Make everything that a case needs in a directory."""
    (directory / "guest.cfg").write_text(case.config + "\n")
    for name, content in case.files.items():
        (directory / name).write_bytes(content())
    if case.prepare is not None:
        case.prepare(directory)


def config_in(case: Case, directory: Path) -> str:
    """Return the configuration for who starts elsewhere: the case's own files by their whole paths."""
    text = case.config + "\n"
    for name, kernel in HELLO_KERNELS.items():
        (directory / name).write_bytes(kernel())
        text = text.replace(f"xlbuild:{name}", str(directory / name))
    for name in {*case.files, "vmlinuz"}:
        text = text.replace(f'"{name}"', f'"{directory / name}"')
    return text
