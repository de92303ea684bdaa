"""The workflow of scripts/recipes, run in a repository with two guests whose last commit changes something."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import workflow
from recipes import RECIPES, Command, xlbuild_command

from xlbuild import build, digests
from xlbuild.hello import pvh

FILE = RECIPES / "guest-images.yml"
WORKFLOW = workflow.load(FILE)
WEB = 'name = "web"\ntype = "pvh"\nkernel = "vmlinuz"\nmemory = 16\n'
DB = 'name = "db"\ntype = "pv"\nkernel = "xlbuild:hello-pv"\nmemory = 16\n'


@dataclass
class Repository:
    """A checkout whose commit before the last has both guests, pinned."""

    directory: Path
    temporary: Path
    command: Command

    def git(self, *arguments: str) -> None:
        """Run git, with no other configuration than its own."""
        identity = {f"GIT_{who}_{what}": "x" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        subprocess.run(
            ["git", *arguments],
            cwd=self.directory,
            env={**os.environ, **identity, "GIT_CONFIG_NOSYSTEM": "1"},
            check=True,
            capture_output=True,
        )

    def write(self, name: str, text: str) -> None:
        """Write a file; a configuration's kernel is where it is run."""
        (self.directory / name).write_text(text)

    def pin(self, guest: str) -> str:
        """Pin a guest as it is now, and return its digest."""
        config = (self.directory / "guests" / f"{guest}.cfg").read_text()
        kernel = f'kernel="{self.directory}/vmlinuz"' if "vmlinuz" in config else ""
        digest = digests(build(config.encode(), overrides=[kernel] if kernel else [], xen="4.17")).domain
        self.write(f"guests/{guest}.digest", f"{digest}\n")
        return digest

    def commit_and_run(self) -> workflow.Run:
        """Commit everything, and run the workflow."""
        self.git("add", "--all")
        self.git("commit", "--allow-empty", "-m", "change")
        environment = {"PATH": self.command.path}
        return workflow.run_job(WORKFLOW, "guest-images", self.directory, self.temporary, environment)

    def pages(self) -> list[str]:
        """Return the names of what is kept as an artifact."""
        return sorted(path.name for path in (self.temporary / "differences").iterdir())


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    directory, temporary = tmp_path / "repository", tmp_path / "temporary"
    (directory / "guests").mkdir(parents=True)
    temporary.mkdir()
    with xlbuild_command(tmp_path / "bin") as command:
        pip = tmp_path / "bin" / "pip"  # what it would install is here already
        pip.write_text('#!/bin/sh\n[ "$*" = "install xlbuild==0.1.0" ]\n')
        pip.chmod(0o755)
        made = Repository(directory, temporary, command)
        made.git("init", "--initial-branch=main")
        (directory / "vmlinuz").write_bytes(pvh.kernel())
        made.write("guests/web.cfg", WEB)
        made.write("guests/db.cfg", DB)
        made.pin("web")
        made.pin("db")
        made.git("add", "--all")
        made.git("commit", "-m", "first")
        yield made


def test_a_change_that_changes_no_guest_passes_and_says_so(repository: Repository) -> None:
    repository.write("guests/web.cfg", f"# The web server.\n{WEB}")
    run = repository.commit_and_run()
    assert (run.failed, run.annotations(), repository.pages()) == (None, [], [])
    assert run.summary == "* `db` stays the same\n* `web` stays the same\n"


def test_a_change_that_is_pinned_with_it_passes_and_is_told(repository: Repository) -> None:
    repository.write("guests/web.cfg", WEB.replace("16", "32"))
    repository.pin("web")
    run = repository.commit_and_run()
    assert run.failed is None
    (notice,) = run.annotations()
    assert notice.startswith(
        "::notice file=guests/web.cfg,line=1,title=Guest web changes::RAM 16 MiB → 32 MiB"
    )
    assert "* `db` stays the same\n* `web` changes:\n\n```\ndifferent: RAM 16 MiB" in run.summary
    assert repository.pages() == ["web.html"]


def test_a_guest_that_is_not_the_pinned_one_fails_the_run(repository: Repository) -> None:
    with (repository.directory / "guests" / "web.cfg").open("a") as file:
        file.write('cmdline = "quiet"\n')
    pinned = (repository.directory / "guests" / "web.digest").read_text()
    digest = repository.pin("web")
    repository.write("guests/web.digest", pinned)
    repository.write("guests/new.cfg", DB.replace("db", "new"))
    run = repository.commit_and_run()
    assert run.failed == "Compare the digests with the pinned ones"
    new, changes, unpinned, other = run.annotations()
    assert new.startswith("::notice file=guests/new.cfg,line=1,title=New guest new::")
    assert changes.startswith("::notice file=guests/web.cfg,line=1,title=Guest web changes::")
    assert unpinned.startswith("::error file=guests/new.cfg,line=1,title=Not pinned::")
    assert other.startswith("::error file=guests/web.digest,line=1,title=Another guest::")
    assert digest in other


def test_a_configuration_with_an_error_is_annotated_where_it_is_and_nothing_is_built(
    repository: Repository,
) -> None:
    repository.write("guests/web.cfg", f"{WEB}memory = = 3\n")
    run = repository.commit_and_run()
    assert run.failed == "Check the configurations"
    (error,) = run.annotations()
    assert error.startswith("::error file=guests/web.cfg,line=5,col=10,title=XLB001")
    assert [call[0] for call in repository.command.calls()] == ["check"]


def test_the_workflow_fits_githubs_schema() -> None:
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows"]
    done = subprocess.run([*check, FILE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_workflow_may_read_only_and_pins_what_it_uses() -> None:
    assert WORKFLOW["permissions"] == {"contents": "read"}
    (job,) = WORKFLOW["jobs"].values()
    assert "permissions" not in job
    used = [step["uses"] for step in job["steps"] if "uses" in step]
    assert [name for name in used if not re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", name)] == []
    assert job["steps"][0]["with"]["persist-credentials"] is False
