"""`create --strict`: each warning stops the build, all are told in one go, and nothing is written."""

from pathlib import Path

import pytest
from forked import run
from kernels import LOAD_ADDRESS, Load, elf_file, pattern

import xlbuild

PV = 'name = "g"\ntype = "pv"\nkernel = "xlbuild:hello-pv"\nmemory = 16\n'
LEFT_OUT = elf_file(
    [
        Load(LOAD_ADDRESS, pattern(0x100)),
        Load(LOAD_ADDRESS + 0x1000, b"x", header={"p_offset": 1 << 20}),
    ],
    [("PHYS32_ENTRY", LOAD_ADDRESS)],
)


def strictly(tmp_path: Path, config: str, *arguments: str) -> tuple[int, list[str]]:
    """Return the exit status and the lines that tell of errors; nothing may be left, and stdout is empty."""
    (tmp_path / "guest.cfg").write_text(config)
    done = run(tmp_path, "create", "--strict", *arguments, "guest.cfg")
    assert not (tmp_path / "g").exists()
    assert done.stdout == ""
    assert "warning" not in done.stderr
    return done.returncode, [line for line in done.stderr.splitlines() if line.startswith("xlbuild: error")]


def test_a_guest_without_warnings_is_built(tmp_path: Path) -> None:
    (tmp_path / "guest.cfg").write_text(PV)
    done = run(tmp_path, "create", "--strict", "guest.cfg")
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "g" / "domain.json").exists()


def test_all_warnings_are_told_as_errors_in_one_go(tmp_path: Path) -> None:
    status, errors = strictly(tmp_path, PV + "maxmem = 8\nramdsik = 1\n")
    assert status == 1
    assert len(errors) == 2
    assert "no key ramdsik" in errors[0]
    assert "maxmem is less than memory" in errors[1]


@pytest.mark.parametrize("option", ["-n", "-q", "--json", "--force"])
def test_no_other_option_makes_it_less_strict(tmp_path: Path, option: str) -> None:
    status, errors = strictly(tmp_path, PV + "ramdsik = 1\n", option)
    assert (status, len(errors)) == (1, 1)


def test_a_note_is_no_warning(tmp_path: Path) -> None:
    (tmp_path / "guest.cfg").write_text(PV.replace('type = "pv"\n', ""))
    assert "no type is set" in run(tmp_path, "check", "guest.cfg").stdout
    assert run(tmp_path, "create", "--strict", "guest.cfg").returncode == 0


def test_what_stops_the_build_anyhow_is_told_behind_the_warnings_and_has_its_own_status(
    tmp_path: Path,
) -> None:
    status, errors = strictly(tmp_path, PV.replace("16", "1") + "ramdsik = 1\n")
    assert status == 3
    assert len(errors) == 2
    assert "no key ramdsik" in errors[0]
    assert "memory is too small" in errors[1]


def test_a_warning_of_the_kernel_has_the_status_of_a_refusal(tmp_path: Path) -> None:
    (tmp_path / "kernel").write_bytes(LEFT_OUT)
    config = 'name = "g"\ntype = "pvh"\nkernel = "kernel"\nmemory = 16\n'
    (tmp_path / "guest.cfg").write_text(config)
    assert run(tmp_path, "create", "-n", "guest.cfg").returncode == 0
    status, errors = strictly(tmp_path, config)
    assert status == 3
    assert "is left out, as Xen leaves it out" in errors[0]
    assert strictly(tmp_path, config + "ramdsik = 1\n")[0] == 1


@pytest.mark.parametrize(("size", "built"), [(1023, True), (1024, False)])
def test_a_pv_command_line_may_have_1023_bytes(tmp_path: Path, size: int, built: bool) -> None:
    text = "root=/dev/xvda1 ro ".ljust(size, "x")
    config = f'{PV}cmdline = "{text}"\ndisk = [ "/dev/null,raw,xvda,r" ]\n'
    (tmp_path / "guest.cfg").write_text(config)
    if built:
        assert run(tmp_path, "create", "--strict", "guest.cfg").returncode == 0
        return
    status, errors = strictly(tmp_path, config)
    assert status == 1
    assert "1,024 bytes, and a PV guest gets 1,023" in errors[0]
    assert "cut off: 'x'" in errors[0]


def test_the_warning_shows_the_last_that_the_guest_sees_and_the_first_that_it_does_not(
    tmp_path: Path,
) -> None:
    text = "console=hvc0 " * 77 + "quiet debug=1 root=/dev/xvda1 ro " + "more " * 100
    (tmp_path / "guest.cfg").write_text(f'{PV}cmdline = "{text}"\ndisk = [ "/dev/null,raw,xvda,r" ]\n')
    done = run(tmp_path, "create", "guest.cfg")
    assert done.returncode == 0
    seen = (tmp_path / "g" / "start_info.bin").read_bytes()
    (line,) = [line for line in done.stderr.splitlines() if "cut off" in line]
    end, start = (part.split("'")[1] for part in (line.split("up to ")[1], line.split("cut off: ")[1]))
    assert end.startswith("…")
    assert start.endswith("…")
    assert end[1:].encode() + b"\0" in seen
    assert end[1:] + start[:-1] in text
    assert len(line) < 300


def test_the_library_gives_each_warning_as_an_error() -> None:
    with pytest.raises(xlbuild.StrictError) as caught:
        xlbuild.build((PV + "maxmem = 8\nramdsik = 1\n").encode(), strict=True)
    assert [error.code for error in caught.value.errors] == ["key-unknown", "config-maxmem"]
    assert all(isinstance(error, xlbuild.ConfigError) for error in caught.value.errors)
