"""`create --expect`: a gate for the digest of what is built, which says what changed where it can know."""

import shutil
from pathlib import Path

import pytest
from ours import xlbuild

PVH = 'name = "g"\ntype = "pvh"\nkernel = "xlbuild:hello-pvh"\nmemory = 16\ncmdline = "a"\n'


@pytest.fixture
def cwd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "guest.cfg").write_text(PVH)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def digest(cwd: Path) -> str:
    """The digest of the guest as it is, also in a file; and its domain, built elsewhere."""
    told = xlbuild("digest", "guest.cfg").stdout
    (cwd / "guest.digest").write_text(told)
    assert xlbuild("create", "-q", "-o", "built", "guest.cfg").returncode == 0
    shutil.copy(cwd / "built" / "domain.json", cwd / "manifest")
    (cwd / "marked").write_text((cwd / "manifest").read_text(), encoding="utf-8-sig")
    return told.strip()


WAYS = ("{digest}", "{DIGEST}", "guest.digest", "manifest", "marked", "built/domain.json", "built")


def way(text: str, digest: str) -> str:
    return text.format(digest=digest, DIGEST=digest.upper())


@pytest.mark.parametrize("what", WAYS)
def test_a_guest_that_is_as_expected_is_built(cwd: Path, digest: str, what: str) -> None:
    ended = xlbuild("create", "-q", "--expect", way(what, digest), "guest.cfg")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert (cwd / "g" / "domain.json").exists()


@pytest.mark.parametrize("what", WAYS)
def test_one_that_is_not_is_refused_and_nothing_is_written(cwd: Path, digest: str, what: str) -> None:
    options = ("--map", "m", "--depfile", "d", "--expect", way(what, digest))
    ended = xlbuild("create", *options, "guest.cfg", 'cmdline="ab"')
    assert (ended.returncode, ended.stdout) == (3, "")
    new = xlbuild("digest", "guest.cfg", 'cmdline="ab"').stdout.strip()
    assert ended.stderr.startswith("xlbuild: error: g is not the guest that is expected\n")
    assert f"expected  {digest}\n" in ended.stderr
    assert f"built     {new}\n" in ended.stderr
    assert not any((cwd / name).exists() for name in ("g", "m", "d"))


@pytest.mark.parametrize("what", ["manifest", "built", "built/domain.json"])
def test_what_changed_is_shown_where_a_manifest_is_expected(cwd: Path, digest: str, what: str) -> None:
    ended = xlbuild("create", "-n", "--expect", what, "guest.cfg", "memory=32")
    compared = xlbuild("diff", what, "guest.cfg", "memory=32")
    assert (ended.returncode, compared.returncode) == (3, 1)
    assert ended.stderr.endswith(compared.stdout)
    assert "RAM 16 MiB" in compared.stdout
    quiet = xlbuild("create", "-n", "-q", "--expect", what, "guest.cfg", "memory=32")
    assert quiet.returncode == 3
    assert ended.stderr == quiet.stderr + compared.stdout


@pytest.mark.parametrize("what", ["{digest}", "guest.digest"])
def test_what_changed_is_shown_where_the_target_is_the_domain_expected(
    cwd: Path, digest: str, what: str
) -> None:
    arguments = ("--expect", way(what, digest), "guest.cfg", 'cmdline="ab"')
    ended = xlbuild("create", "--force", "-o", "built", *arguments)
    assert ended.returncode == 3
    assert ended.stderr.endswith(xlbuild("diff", "built", "guest.cfg", 'cmdline="ab"').stdout)
    assert xlbuild("digest", "built").stdout.strip() == digest  # it is still there
    for target in ("elsewhere", "another"):
        assert xlbuild("create", "-q", "-o", "another", "--force", "guest.cfg", "memory=20").returncode == 0
        other = xlbuild("create", "-n", "-o", target, *arguments)
        assert other.returncode == 3
        assert "different:" not in other.stderr


def test_a_domain_that_cannot_be_compared_with_is_told(cwd: Path, digest: str) -> None:
    (cwd / "built" / "memory.img").write_bytes(b"")
    ended = xlbuild("create", "-n", "--expect", "built", "guest.cfg")
    assert ended.returncode == 3
    assert "built/memory.img is shorter" in ended.stderr
    assert xlbuild("create", "-n", "--expect", "built/domain.json", "guest.cfg").returncode == 0


def test_a_dry_run_is_a_gate_that_leaves_everything_alone(cwd: Path, digest: str) -> None:
    assert xlbuild("create", "-n", "-q", "--expect", "guest.digest", "guest.cfg").returncode == 0
    assert not (cwd / "g").exists()


@pytest.mark.parametrize(
    ("what", "content", "status", "said"),
    [
        ("", None, 2, "--expect needs a digest"),
        ("abc123", None, 2, "it has 6 hex digits, and a digest has 64"),
        ("nope", None, 4, "the expected digest nope cannot be read"),
        ("file", "no digest\n" + "a" * 64, 2, "file holds no digest"),
        ("file", "", 2, "file holds no digest"),
        ("file", "a" * 65, 2, "file holds no digest"),
        ("file", '{"schema": 1}', 3, "file"),
        ("directory", None, 4, "it is no built domain"),
    ],
)
def test_what_is_no_digest_is_told_before_anything_is_built(
    cwd: Path, what: str, content: str | None, status: int, said: str
) -> None:
    (cwd / "directory").mkdir()
    if content is not None:
        (cwd / what).write_text(content)
    ended = xlbuild("create", "--expect", what, "guest.cfg")
    assert ended.returncode == status
    assert said in ended.stderr
    assert not (cwd / "g").exists()


def test_a_digest_with_a_name_before_or_behind_it_will_do(cwd: Path, digest: str) -> None:
    (cwd / "parts").write_text(xlbuild("digest", "--parts", "guest.cfg").stdout)
    (cwd / "named").write_text(f"{digest}  guest.cfg\n")
    for what in ("parts", "named"):
        assert xlbuild("create", "-n", "--expect", what, "guest.cfg").returncode == 0


def test_several_configurations_have_no_one_digest(cwd: Path, digest: str) -> None:
    (cwd / "other.cfg").write_text(PVH.replace('"g"', '"h"'))
    ended = xlbuild("create", "--expect", digest, "guest.cfg", "other.cfg")
    assert (ended.returncode, "--expect is for one FILE" in ended.stderr) == (2, True)
    assert not (cwd / "g").exists()


def test_the_documentation_shows_what_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = Path(__file__).parents[2]
    monkeypatch.chdir(root)
    shown = (root / "docs" / "create.md").read_text()
    config, old, new_map = "configs/hello-pvh.cfg", str(tmp_path / "old"), str(tmp_path / "map")
    assert xlbuild("create", "-q", "-o", old, config).returncode == 0
    refused = xlbuild("create", "-n", "--expect", old, config, "memory=64")
    assert "".join(refused.stderr.splitlines(keepends=True)[:5]) in shown
    assert xlbuild("create", "--map", new_map, "configs/hello-pv.cfg", "memory=2").returncode == 3
    assert "".join(Path(new_map).read_text().splitlines(keepends=True)[-7:]) in shown
