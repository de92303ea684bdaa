"""XLB5..: files that a configuration names, or needs."""

from xlbuild.rules.model import Family, Rule, Severity

_ERROR, _WARNING, _NOTE = Severity

FAMILY = Family(
    "5",
    "Files",
    (
        Rule(
            "XLB501",
            (
                "file-missing",
                "firmware-path-missing",
                "file-unreadable",
                "file-not-regular",
                "file-changed",
                "file-too-large",
                "built-in-unknown",
            ),
            _ERROR,
            "a file that cannot be read",
            "The configuration names a kernel, ramdisk or firmware that is not there, not readable, no "
            "regular file, or too large, or one that is being written.",
            "Correct the path; with `--no-files`, a configuration is checked without its files.",
            'name = "g"\nkernel = "/no/such/kernel"\nmemory = 64\n',
        ),
        Rule(
            "XLB502",
            ("firmware-missing",),
            _NOTE,
            "a part of Xen that is not installed here",
            "hvmloader, the system firmware, pvgrub or the shim are part of Xen or come with it. Without "
            "them, what depends on the guest's memory is not checked.",
            "Install it, or name the directory that has it: `--firmware-dir DIR`.",
            'name = "g"\ntype = "pvh"\nkernel = "xlbuild:hello-pv"\nmemory = 64\npvshim = 1\n',
        ),
        Rule(
            "XLB503",
            ("module-empty", "firmware-empty"),
            _ERROR,
            "an empty file",
            "Xen's toolstack fails on it.",
            "Give another file, or remove the setting.",
            'name = "g"\nkernel = "xlbuild:hello-pv"\nramdisk = "/dev/null"\nmemory = 64\n',
        ),
        Rule(
            "XLB504",
            ("disk-missing",),
            _NOTE,
            "a disk that is not there",
            "The image or block device of a disk is not on this machine.",
            "Correct the path, unless the disk is on the guest's host only.",
            'name = "g"\ntype = "hvm"\nmemory = 64\ndisk = [ "/no/such/disk.img,raw,xvda,rw" ]\n',
        ),
        Rule(
            "XLB505",
            ("kernel-too-large", "module-too-large"),
            _ERROR,
            "a file over the limit",
            "Xen's toolstack takes kernels and modules of 1 GiB at most, kernels packed and unpacked. "
            "`--max-kernel-size` sets a lower limit for kernels.",
            "Give a smaller file; what a gzip file claims to unpack to stands in its last four bytes.",
        ),
    ),
)
"""The family."""
