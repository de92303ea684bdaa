"""The grammars of devices against the real xl, live: the same status, and the same JSON for what is taken.

Hand-picked where xl's reading is odd. Each text stands as one element in a list, or is a whole setting.
"""

import re
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import pytest
from toolstack import Toolstack

from xlbuild.api import xl_json
from xlbuild.errors import ConfigError

pytestmark = pytest.mark.oracle

UUID = "5A1B3F40-af80-44dd-ac6e-a9e2a891a05b"

ELEMENTS: dict[str, tuple[str, ...]] = {
    "usbctrl": (
        *("", ",", " ", "type=PV", "type=auto", "type=", "type= pv", "TYPE=pv", "ports", "devid=1", "foo=1"),
        *("version=2,,ports=15", "version=2x,  ports=0x4", "version=-1,ports= 4294967297", "\\tports=1"),
        *("ports=1,ports=2", "ports=99999999999999999999", "ports=2147483648", "version =1", "ports=1,"),
    ),
    "usbdev": (
        *("", " ", "hostbus=1,hostaddr=2", "hostbus=1,type=HostDev,hostaddr=258", "type=x", "type=hostdev"),
        *("type=hostdev,hostbus=-1,hostaddr=0x10", "controller=0,port=09", "controller=4294967295,port=-1"),
        *("controller=0x3", "type=hostdev,hostaddr=99999999999999999999", "hostbus", "foo=1"),
    ),
    "vtpm": (
        *("", "backend=", "backend=x,backend=y z", "backend =x", "backend= x", "uuid,backend=x", "=1"),
        *(f"backend=x, uuid={UUID}", f"uuid={UUID}", f"backend=x,uuid={UUID}0", "backend=x,foo,bad=1"),
        *("backend=x,uuid=00000000-0000-0000-0000-000000000000", "backend=x,foo=1", "\\tbackend=x"),
    ),
    "p9": (
        *("tag=t,path=/p,security_model=none", "tag=,  path=,security_model=,backend=", "tag=t,path=/p"),
        *("tag=t,path=/p,security_model=none,type=qemu", "tag=t,foo,path=/p,security_model=none", ""),
        *("tag=t=u, path= /p,security_model=none,foo,bad=1", "tag =t,path=/p,security_model=none"),
        *('tag=t,path=/p,security_model=none,backend=d", "tag=u', 'tag=t,path=/p,security_model=none", "'),
    ),
    "pvcalls": ("", " ", "backend=x", "backend=,backend=a=b", "foo,bad=1", "foo=1", "backend =x", "="),
    "channel": (
        *("", ",", "name=x", "connection=pty", "connection=PTY", "connection=pty,connection=socket", "=pty"),
        *(" connection = socket , path = /a b ,\\tname\\t=\\tn", "connection=pty,path=/p,backend=d"),
        *("connection==pty=x,,name=a=b", "connection=pty,name=", "connection=pty,name", "connection=pty, "),
        *("connection=pty,foo=1, =x,name= ", "connection=socket,path=a,connection=pty", "connection=unknown"),
    ),
    "vdispl": (
        *("", "backend=x", "connectors=", "connectors=;", "connectors=a", "connectors=:1x2", "connectors"),
        *("connectors=a:1x2;;b: +3x -4junk;", "connectors= a:1x2:3,be-alloc=0x10", "connectors=a:1X2"),
        *(
            "connectors=a:x2;b",
            "connectors=b:3x4;a:x2;c:1x1;d:2x2,backend=y",
            "connectors=a:1",
            "connectors=a: ",
        ),
        *("connectors=a:4294967297x99999999999999999999", "connectors=a:1x2,connectors=b:3x4,be-alloc=x"),
        *("be-alloc,connectors=a:1x2", "be-alloc=4294967296,connectors=a:0x10x5", "connectors=a:0 x2"),
    ),
    "dtdev": ("", "/soc/x", " a,b=c "),
    "virtio": ("", "type=virtio,device22", "foo"),
    "pci": (
        *("00:1a.*@3,permissive=-1,seize=0x1,msitranslate=256,power_mgmt=4294967296", "0:00:1f.7,vslot=1f"),
        *(
            "00: +0x1a.-fffffff9@ 3",
            "bdf=00:1a.0junk,vslot=03x",
            "1:02:1b.*@3,bdf=00:1a.0",
            "00:1a.0@4,vslot=5",
        ),
        *("name=x,vslot=3", "name=x,name=", "00:1a.0,rdm_policy=RELAXED", "00:1a.0,rdm_policy=invalid"),
        *("00:1a.0,rdm_policy=strict", '00:1a.0", "x', '00:1a.0", "name=x', "00:1a.0@3x", "00::1a.0", "@3"),
    ),
}

SETTINGS = (
    'pci = ["00:1a.0"]; pci_permissive = 1; pci_seize = 2; pci_power_mgmt = "-1"; pci_msitranslate = 4294967296',
    'pci = ["00:1a.0,seize=0"]; pci_seize = 1; pci_permissive = [1]; pci_power_mgmt = "yes"',
    *(
        f'pci = ["00:1a.0", "name=x,rdm_policy=relaxed"]; rdm = "{rdm}"'
        for rdm in ("strategy=host", "strategy=host,policy=strict", "policy=lenient", "strategy=ignore", "")
    ),
    'usbctrl = ["ports=1", "type=pv", ["x"], "bad"]; usbdev = "x"; channel = []; p9 = [[""]]',
    'vsnd = "x"',
    'vsnd = ["x"]',
    'vsnd = [["CARD"], "x"]',
    'vsnd = [[], [""], [","], [["PCM"]], ["CARD", ["PCM"], "PCM"]]',
    'vsnd = [["card, short-name=a b,  long-name= l ,backend=", "PCM, name=n", "Stream,type=P, unique-id=u"]]',
    'vsnd = [["STREAM", "PCM", "STREAM", "STREAM,type=c", "CARD,backend=x", "PCM"], ["PCM,name=a,name=b"]]',
    'vsnd = [["CARD,sample-rates= 010;;0x10;9x;4294967297;-1;18446744073709551616,sample-formats=S8;mu_law"]]',
    'vsnd = [["CARD,sample-rates=1;2,sample-rates=3", "CARD,channels-min=0x10,channels-max=-1,buffer-size=x"]]',
    *(
        f'vsnd = [["CARD", "{item}"]]'
        for item in (
            *("CARD ", "\\tPCM", " PCM", "FOO", " ", "PCM, ", "PCM,foo", "PCM,\\tname=x", "PCM,name =x"),
            *("CARD,id=1", "CARD,name=x", "PCM,backend=x", "STREAM,name=x", "STREAM,type=", "STREAM,type=cc"),
            *("PCM,sample-rates=", "PCM,sample-rates=;", "PCM,sample-formats=", "PCM,sample-formats=s8; u8"),
        )
    ),
    'vsnd = [["CARD"]]; vsnd += [["PCM"]]',
)

KINDS = ("pv", "pvh", "hvm")
CASES = [f'{key} = ["{text}"]' for key, texts in ELEMENTS.items() for text in texts] + list(SETTINGS)


def cases() -> Iterator[tuple[str, str]]:
    """Yield each text with a kind of container; only pci depends on that, and has them all."""
    for text, kind in zip(CASES, cycle(KINDS), strict=False):
        yield from [(text, each) for each in (KINDS if text.startswith("pci") else (kind,))]


@pytest.mark.parametrize(("text", "kind"), list(cases()))
def test_xl_reads_devices_just_so(text: str, kind: str, oracle: Toolstack, tmp_path: Path) -> None:
    file = tmp_path / "guest.cfg"
    file.write_text(f'name = "g"\nkernel = "/k"\ntype = "{kind}"\n{text}\n')
    real = oracle.xlparse(file)
    if real.returncode:
        with pytest.raises(ConfigError):
            xl_json(file, xen="4.17")
    else:
        assert devices(xl_json(file, xen="4.17")) == devices(real.stdout)


def devices(document: str) -> str:
    """Return the lists of devices out of a document, as text."""
    return "".join(re.findall(r'\n    "\w+s": \[.*?\n    \]', document, re.DOTALL))
