import pytest
from decisions import HVM, PV, PVH, decided, refusal

from xlbuild.container import MemorySizes


def mib(text: str) -> tuple[float, float, float]:
    memory = decided(text).memory
    return memory.target_kib / 1024, memory.max_kib / 1024, memory.video_kib / 1024


# Sizes: libxl 4.17, `tests/oracle/xlcreate FILE DIR`: total_pages, target_pages and the memory map in domain.json.
@pytest.mark.parametrize(
    ("text", "target", "most", "video"),
    [
        (PV, 32, 32, 0),
        (PV + "memory = 64", 64, 64, 0),
        (PV + "maxmem = 64", 64, 64, 0),
        (PV + "memory = 64; maxmem = 128", 64, 128, 0),
        (PV + "memory = 64; maxmem = 32", 64, 32, 0),
        (PV + "memory = 64; maxmem = 0", 64, 0, 0),
        (PV + "memory = 64; videoram = 16", 64, 64, 0),
        (PV + 'memory = 64; videoram = "-1"', 64, 64, 0),
        (PVH + "memory = 64", 64, 64, 0),
        (PVH + "memory = 64; maxmem = 128", 64, 128, 0),
        (PVH + "memory = 1; maxmem = 128", 1, 128, 0),
        (PVH + "memory = 64; maxmem = 32", 64, 32, 0),
        (PVH + "memory = 64; videoram = 8", 64, 64, 8),
        (PVH + 'memory = 64; vga = "stdvga"', 64, 64, 0),
        (HVM + "memory = 64", 64, 64, 8),
        (HVM + 'memory = 64; vga = "none"', 64, 64, 0),
        (HVM + 'memory = 64; vga = "stdvga"', 64, 64, 16),
        (HVM + 'memory = 256; vga = "qxl"', 256, 256, 128),
        (HVM + "memory = 64; stdvga = 1", 64, 64, 16),
        (HVM + 'memory = 64; stdvga = 1; vga = "cirrus"', 64, 64, 8),
        (HVM + 'memory = 64; stdvga = 1; vga = ["cirrus"]', 64, 64, 16),
        (HVM + "memory = 64; videoram = 32", 64, 64, 32),
        (HVM + 'memory = 64; vga = "none"; videoram = 4', 64, 64, 4),
        (HVM + 'memory = 64; videoram = "x"', 64, 64, 8),
        (HVM + "memory = 9; maxmem = 128", 9, 128, 8),
        (HVM + "maxmem = 64", 64, 64, 8),
    ],
)
def test_sizes_have_libxls_defaults(text: str, target: int, most: int, video: int) -> None:
    assert mib(text) == (target, most, video)


def test_sizes_are_counted_in_kib() -> None:
    assert decided(HVM + "memory = 64").memory == MemorySizes(65536, 65536, 8192)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (PV + "memory = 0", "memory"),
        (PV + "maxmem = 0", "maxmem"),
        (PV + "memory = 0; maxmem = 64", "memory"),
        (PVH, "memory"),
        (HVM, "memory"),
        (PVH + "memory = 0", "memory"),
        (PVH + "memory = 0; maxmem = 64", "memory"),
        (PVH + "memory = 64; maxmem = 0", "maxmem"),
        (PVH + "memory = 64; videoram = 64", "memory"),
        (PVH + "memory = 64; maxmem = 32; videoram = 48", "maxmem"),
        (HVM + "memory = 8", "memory"),
        (HVM + "memory = 8; maxmem = 128", "memory"),
        (HVM + "maxmem = 64; videoram = 65", "maxmem"),
    ],
)
def test_a_guest_without_memory_is_refused(text: str, key: str) -> None:
    error = refusal(text)
    assert (error.code, error.where.key) == ("config-no-memory", key)
    assert f"set {key}" in (error.hint or "") or "memory = 256" in (error.hint or "")


@pytest.mark.parametrize(
    ("text", "key", "hint"),
    [
        (
            HVM + "memory = 300; videoram = 300",
            "memory",
            "set memory to more than 300 (MiB), or lower videoram",
        ),
        (HVM + "memory = 8", "memory", "set memory to more than 8 (MiB)"),
        (
            PVH + "memory = 64; maxmem = 32; videoram = 48",
            "maxmem",
            "set maxmem to more than 48 (MiB), or lower videoram",
        ),
        (PVH + 'memory = "256M"', "memory", "sizes have no unit: write the number of MiB"),
        (PVH + "maxmem = [256]", "maxmem", "set memory in MiB: memory = 256"),
    ],
)
def test_too_little_memory_comes_with_a_mend_that_helps(text: str, key: str, hint: str) -> None:
    error = refusal(text)
    assert (error.code, error.where.key, error.hint) == ("config-no-memory", key, hint)


def test_a_memory_that_xl_drops_is_not_called_unset() -> None:
    assert refusal(PVH + 'memory = "256M"').cause == "memory is no number: '256M'; xl ignores it"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (PV + 'memory = "-1"', "memory"),
        (PV + 'memory = 64; maxmem = "-1"', "maxmem"),
        (PV + "memory = 16777216", "memory"),
        (PVH + "memory = 18014398509482048", "memory"),
        (PVH + "memory = 64; maxmem = 9223372036854775807", "maxmem"),
        (PVH + 'memory = 64; videoram = "-1"', "videoram"),
        (HVM + 'memory = 64; videoram = "-1"', "videoram"),
        (HVM + 'memory = 64; vga = "none"; videoram = 16777216', "videoram"),
    ],
)
def test_sizes_that_would_wrap_in_libxl_are_refused(text: str, key: str) -> None:
    error = refusal(text)
    assert (error.code, error.where.key) == ("config-memory-impossible", key)


def test_the_largest_size_is_below_16_tib() -> None:
    assert decided(PV + "memory = 16777215").memory.target_kib == 16777215 * 1024


@pytest.mark.parametrize(
    "text",
    [
        "videoram = 4",
        "videoram = 0",
        'vga = "stdvga"; videoram = 8',
        'vga = "qxl"; videoram = 64',
        'device_model_version = "qemu-xen-traditional"; vga = "stdvga"; videoram = 7',
    ],
)
def test_too_little_video_memory_for_the_card_is_refused(text: str) -> None:
    assert refusal(HVM + "memory = 512;" + text).code == "config-videoram-too-small"


@pytest.mark.parametrize(
    "text",
    ['vga = "x"', 'vga = "CIRRUS"', 'vga = ""', 'vga = "qxl"; device_model_version = "qemu-xen-traditional"'],
)
def test_an_unknown_card_is_refused(text: str) -> None:
    assert refusal(HVM + "memory = 512;" + text).code == "config-unknown-vga"
    assert decided(PVH + "memory = 512;" + text)


# Counts: libxl 4.17 as above; vcpu_online in hvm_info_table, max_vcpus in domain.json.
@pytest.mark.parametrize(
    ("text", "online", "most"),
    [
        ("", 1, 1),
        ("vcpus = 2", 2, 2),
        ("vcpus = 2; maxvcpus = 4", 2, 4),
        ("maxvcpus = 4", 1, 4),
        ("vcpus = 2; maxvcpus = 0", 2, 2),
        ("vcpus = 0", 0, 1),
        ("vcpus = 0; maxvcpus = 2", 0, 2),
        ('vcpus = "x"', 1, 1),
        ("vcpus = 128", 128, 128),
    ],
)
def test_vcpus_have_xls_defaults(text: str, online: int, most: int) -> None:
    for base in (PV, PVH, HVM):
        container = decided(f"{base}memory = 64; {text}")
        assert (container.vcpus, container.max_vcpus) == (online, most)


@pytest.mark.parametrize(
    ("base", "text"),
    [
        (PV, 'vcpus = "-1"'),
        (PV, "vcpus = 4; maxvcpus = 2"),
        (PV, 'maxvcpus = "-1"'),
        (PV, "vcpus = 1025"),
        (PV, "maxvcpus = 8193"),
        (PV, "maxvcpus = 4294967297"),
        (PVH, "vcpus = 129"),
        (PVH, "maxvcpus = 129"),
        (HVM, "maxvcpus = 129"),
    ],
)
def test_impossible_numbers_of_vcpus_are_refused(base: str, text: str) -> None:
    assert refusal(f"{base}memory = 64; {text}").code == "config-bad-vcpus"


def test_pv_may_have_many_vcpus() -> None:
    container = decided(PV + "vcpus = 1024; maxvcpus = 8192")
    assert (container.vcpus, container.max_vcpus) == (1024, 8192)
