"""Configurations that are wrong, whatever the files are."""

from refusals.model import BUILDS, CRASHES, HELLO_PV, HELLO_PVH, REFUSES, Case, Group

SETTINGS = Group(
    "Configurations",
    (
        Case(
            "a value that is missing",
            'name = "g"\ntype = "pvh"\nmemory =\nkernel = "xlbuild:hello-pvh"',
            status=1,
            xl=REFUSES,
            said="""\
xlbuild: error[XLB001]: guest.cfg:3:9: the end of the line is where a value should be
  mend:  write a value behind the `=`, text in quotes, or remove the setting
""",
        ),
        Case(
            "Python",
            'import os\nname = "g"\nkernel = "xlbuild:hello-pv"',
            status=1,
            xl=REFUSES,
            said="""\
xlbuild: error[XLB001]: guest.cfg:1:8: `os` is where `=` should be
  mend:  a line has the form key = value
  the file looks like Python, which xl has not run since Xen 4.2: write plain `key = value` lines (https://wiki.xenproject.org/wiki/PythonInXlConfig)
""",
        ),
        Case(
            "a type that there is not",
            'name = "g"; type = "xen"; memory = 64; kernel = "xlbuild:hello-pv"',
            status=1,
            xl=REFUSES,
            mended='create guest.cfg type="pv"',
            said="""\
xlbuild: error[XLB302]: guest.cfg:1:20, key type: type="xen" is no kind of guest
  cause: xl knows "hvm", "pv", "pvh"
  mend:  use one of "hvm", "pv", "pvh"
""",
        ),
        Case(
            "type and builder that contradict each other",
            'name = "g"; type = "pvh"; builder = "hvm"; memory = 64',
            status=1,
            xl=REFUSES,
            said="""\
xlbuild: error[XLB303]: guest.cfg:1:37, key builder: type="pvh" contradicts builder="hvm"
  cause: the one is pvh, the other hvm
  mend:  remove builder, which is the older of the two
""",
        ),
        Case(
            "no kernel",
            'name = "g"; type = "pvh"; memory = 64',
            status=1,
            xl=REFUSES,
            said="""\
xlbuild: error[XLB310]: guest.cfg, key kernel: the guest has no kernel
  cause: the configuration sets neither kernel nor firmware
  mend:  add kernel = "...", or type = "hvm" for a guest that boots from its disk
""",
        ),
        Case(
            "a bootloader that would find the kernel",
            'name = "g"; bootloader = "pygrub"; memory = 64',
            status=1,
            said="""\
xlbuild: error[XLB312]: guest.cfg:1:26, key bootloader: bootloader='pygrub' would look for the kernel on the guest's disk
  cause: xl runs this program on a host, and builds what it finds; here are neither disk nor host
  mend:  copy the kernel and its initial ramdisk from the disk, give them with kernel= and ramdisk=, and remove bootloader
""",
        ),
        Case(
            "more vCPUs than Xen gives",
            HELLO_PVH + "; vcpus = 200",
            status=1,
            xl=CRASHES,
            mended="create guest.cfg vcpus=128",
            said="""\
xlbuild: error[XLB350]: guest.cfg:1:78, key vcpus: 200 vCPUs are too many for PVH
  cause: Xen gives a guest of this kind 128 at most
  mend:  set vcpus to a number from 1 on, and maxvcpus to that or more, or leave maxvcpus out
""",
        ),
        Case(
            "the configuration of an Arm guest",
            'name = "g"; kernel = "Image"; memory = 64; gic_version = "v3"',
            status=1,
            said="""\
xlbuild: warning[XLB108]: guest.cfg:1:44, key gic_version: gic_version has an effect for Arm guests only, and xlbuild knows x86 guests
  mend:  for an x86 guest, remove it
xlbuild: error[XLB322]: guest.cfg:1:58, key gic_version: this is the configuration of an Arm guest, and xlbuild builds x86 guests
  cause: it sets gic_version, and its kernel is none for x86: the kernel Image cannot be read
  mend:  build Arm guests with xl on an Arm host; for an x86 guest, remove these keys and give an x86 kernel
""",
        ),
        Case(
            "a misspelled key, with --strict",
            HELLO_PV + '; ramdsik = "initrd.img"',
            arguments="create --strict guest.cfg",
            status=1,
            xl=BUILDS,
            said="""\
xlbuild: error[XLB101]: guest.cfg:1:68, key ramdsik: xl has no key ramdsik, and takes no notice of it
  mend:  did you mean ramdisk?
""",
        ),
    ),
)
