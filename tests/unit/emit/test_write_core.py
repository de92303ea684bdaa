"""A domain written as a dump-core: section by section as Xen's own tool writes it, page by page as it was built."""

import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from builtdomains import HELLO, PV, PVH
from elftools.elf.elffile import ELFFile
from realcores import GUESTS, unpack, write_core

import xlbuild
from xlbuild.built import BuiltDomain
from xlbuild.emit.readback import in_memory, read_directory
from xlbuild.errors import FilesError

PAGE = 4096


def built(config: bytes) -> BuiltDomain:
    return in_memory(xlbuild.build(config, xen="4.17"), "g")


@pytest.fixture(params=HELLO.values(), ids=list(HELLO))
def domain(request: pytest.FixtureRequest) -> BuiltDomain:
    return built(request.param)


def core_of(domain: BuiltDomain, directory: Path) -> Path:
    file = directory / "g.core"
    write_core(domain, file)
    return file


def section(file: Path, name: str) -> bytes:
    with file.open("rb") as stream:
        found = ELFFile(stream).get_section_by_name(name)
        assert found is not None, name
        data: bytes = found.data()
        return data


def table_of_contents(file: Path) -> tuple[object, list[tuple[str, object]]]:
    """Return the ELF header and all section headers, as pyelftools has them."""
    with file.open("rb") as stream:
        elf = ELFFile(stream)
        return dict(elf.header), [(part.name, dict(part.header)) for part in elf.iter_sections()]


def notes_of(file: Path) -> dict[int, bytes]:
    """Return the notes by their types, all of the name `Xen`."""
    data, notes = section(file, ".note.Xen"), {}
    while data:
        name, size, kind = struct.unpack_from("<III", data)
        assert data[12 : 12 + name] == b"Xen\0"
        notes[kind] = data[16 : 16 + size]
        data = data[16 + size :]
    return notes


def test_headers_and_sections_are_byte_for_byte_those_of_the_real_tool(tmp_path: Path) -> None:
    real = unpack("pv", tmp_path)
    ours = core_of(built(GUESTS["pv"]), tmp_path)
    assert table_of_contents(ours) == table_of_contents(real)
    assert ours.read_bytes()[:0x200] == real.read_bytes()[:0x200]
    assert ours.stat().st_size == real.stat().st_size


@pytest.mark.parametrize("container", GUESTS)
def test_the_notes_say_what_the_real_ones_say_but_for_the_hypervisor_s_own_words(
    container: str, tmp_path: Path
) -> None:
    real, ours = notes_of(unpack(container, tmp_path)), notes_of(core_of(built(GUESTS[container]), tmp_path))
    none, header, version, form = range(0x2000000, 0x2000004)
    assert list(ours) == list(real) == [none, header, version, form]
    for kind in (none, header, form):
        assert ours[kind] == real[kind]
    assert len(ours[version]) == len(real[version])
    numbers = slice(0, 16), slice(-16, None)  # major and minor; HYPERVISOR_VIRT_START and the page size
    assert [ours[version][part] for part in numbers] == [real[version][part] for part in numbers]
    assert ours[version][32:].startswith(b"xlbuild ")


def test_a_pvh_guest_s_vcpu_is_byte_for_byte_what_the_hypervisor_says_of_it(tmp_path: Path) -> None:
    ours = core_of(built(GUESTS["pvh"]), tmp_path)
    assert section(ours, ".xen_prstatus") == section(unpack("pvh", tmp_path), ".xen_prstatus")


def test_a_pv_guest_s_structures_are_those_that_the_toolstack_hands_over(tmp_path: Path) -> None:
    domain = built(PV)
    file = core_of(domain, tmp_path)
    assert section(file, ".xen_prstatus") == domain.structures["vcpu_context.bin"]
    assert section(file, ".xen_shared_info") == domain.structures["shared_info.bin"]


def test_the_shared_info_page_of_a_pvh_guest_is_left_out_for_nothing_of_it_is_built(tmp_path: Path) -> None:
    names = [name for name, _ in table_of_contents(core_of(built(PVH), tmp_path))[1]]
    assert names == ["", ".shstrtab", ".note.Xen", ".xen_prstatus", ".xen_pages", ".xen_pfn"]


def test_every_frame_is_there_in_ascending_order_with_what_it_holds(
    domain: BuiltDomain, tmp_path: Path
) -> None:
    file = core_of(domain, tmp_path)
    table = section(file, ".xen_p2m" if domain.is_pv else ".xen_pfn")
    numbers = list(struct.unpack(f"<{len(table) // 8}Q", table))
    frames = numbers[::2] if domain.is_pv else numbers
    assert frames == [pfn for populated in domain.populated for pfn in range(populated.first, populated.end)]
    if domain.is_pv:
        assert numbers[1::2] == frames
    pages = section(file, ".xen_pages")
    holds = {pfn: pages[at * PAGE : (at + 1) * PAGE] for at, pfn in enumerate(frames)}
    assert {pfn: page for pfn, page in holds.items() if page.strip(b"\0")} == dict(domain.memory.pages())


def test_pages_of_zeros_take_no_room(tmp_path: Path) -> None:
    status = core_of(built(PVH + b"memory=3072\n"), tmp_path).stat()
    table = 3072 * 256 * 8
    assert status.st_size > 3 << 30
    assert status.st_blocks * 512 < table + (1 << 20)


def test_a_domain_that_was_written_as_a_directory_makes_the_same_file(
    domain: BuiltDomain, tmp_path: Path
) -> None:
    config = HELLO["pv" if domain.is_pv else "pvh"]
    xlbuild.write(xlbuild.build(config, xen="4.17"), tmp_path / "g")
    write_core(read_directory(tmp_path / "g"), tmp_path / "of-directory.core")
    assert (tmp_path / "of-directory.core").read_bytes() == core_of(domain, tmp_path).read_bytes()


def test_what_is_there_stays_unless_it_is_a_dump_core_and_force_is_given(tmp_path: Path) -> None:
    domain, file = built(PV), tmp_path / "g.core"
    file.write_text("mine")
    for force, code in ((False, "target-exists"), (True, "target-other-file")):
        with pytest.raises(FilesError) as caught:
            write_core(domain, file, force=force)
        assert caught.value.code == code
        assert file.read_text() == "mine"
    file.unlink()
    write_core(domain, file)
    write_core(built(PVH), file, force=True)
    assert b".xen_pfn" in section(file, ".shstrtab")
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.skipif(shutil.which("readelf") is None, reason="readelf is not installed (Debian: binutils)")
def test_readelf_shows_it_without_a_complaint(domain: BuiltDomain, tmp_path: Path) -> None:
    file = core_of(domain, tmp_path)
    done = subprocess.run(["readelf", "-W", "-h", "-S", file], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert "CORE (Core file)" in done.stdout
    for name in (".note.Xen", ".xen_prstatus", ".xen_pages", ".xen_p2m" if domain.is_pv else ".xen_pfn"):
        assert name in done.stdout
