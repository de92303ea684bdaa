"""What is said of files of other kinds that are given as kernels."""

import pytest

from xlbuild.errors import RefusedError
from xlbuild.image import load_kernel
from xlbuild.image.recognise import SIGNATURES, FileKind
from xlbuild.profiles import NEWEST


def refusal(data: bytes) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        load_kernel(data, name="file", hvm_container=False, profile=NEWEST)
    return caught.value


@pytest.mark.parametrize(
    ("data", "cause", "mend"),
    [
        (b"Xen saved domain, xl format\n \0 \r", "a guest saved by xl", "xl restore"),
        (b"LibxlFmt", "a guest saved by libxl", "xl restore"),
        (b"\xff" * 8 + b"XENF", "saved by libxc", "xl restore"),
        (b"\xed\xeb\x0f\xf0", "a dump of a guest", "Linux bzImage"),
        (b"hsqs", "a file system image (squashfs)", "`ramdisk`"),
        (bytes(0x438) + b"\x53\xef", "(ext2, ext3 or ext4)", "`ramdisk`"),
        (b"conectix", "a VHD disk image", "`disk`"),
        (bytes(0x200) + b"EFI PART", "a disk with a GPT", "`disk`"),
        (b"PK\3\4", "a zip archive", "unpack it"),
        (bytes(0x101) + b"ustar", "a tar archive", "unpack it"),
        (b"\x89LZO\0", "an lzop file", "lzop -d"),
        (b"<html><body>404 Not Found", "a web page", "fetch the file again"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS", "git lfs pull"),
    ],
)
def test_a_file_of_another_kind_is_named_with_a_mend(data: bytes, cause: str, mend: str) -> None:
    error = refusal(data + bytes(600))
    assert error.code == "kernel-not-recognised"
    assert cause in (error.cause or "")
    assert mend in (error.hint or "")


def test_no_signature_hides_another_at_the_same_place() -> None:
    for index, signature in enumerate(SIGNATURES):
        for earlier in SIGNATURES[:index]:
            hidden = signature.offset == earlier.offset and signature.magic.startswith(earlier.magic)
            assert not hidden, (signature.name, earlier.name)


def test_what_is_said_of_each_format_is_a_sentence() -> None:
    assert all(signature.guess.sentence.startswith("it is ") for signature in SIGNATURES)
    assert {signature.guess.kind for signature in SIGNATURES} >= {
        FileKind.RAMDISK,
        FileKind.SAVE,
        FileKind.DISK,
    }
