"""Running inputs that are files of a host's, whatever they are: described, and compared with built domains."""

from functools import cache

from dice import Dice

from fuzz import coreruns, domainruns, saveruns
from fuzz.diffruns import check_sides
from fuzz.inspectruns import check_parts, check_tree
from fuzz.model import Seeds
from fuzz.promises import check_error
from xlbuild import api
from xlbuild.built import BuiltDomain, Origin
from xlbuild.diff.given import GivenDomain
from xlbuild.emit.readback import identify, in_memory
from xlbuild.errors import RefusedError, UsageError
from xlbuild.fromhost import captured_as, read_capture


@cache
def capture_files() -> Seeds:
    """Save files and dump-cores."""
    return (*saveruns.save_files(), *coreruns.core_files())


def capture_mutation(dice: Dice, _seeds: Seeds) -> bytes:
    """Return a save file or a dump-core that is not as it was."""
    if dice.chance(50):
        return saveruns.save_mutation(dice, saveruns.save_files())
    return coreruns.core_mutation(dice, coreruns.core_files())


@cache
def _guests() -> tuple[BuiltDomain, ...]:
    return tuple(in_memory(domain, "guest.cfg") for domain in domainruns.travelling())


def run_capture(data: bytes) -> str:
    """Compare the domain in a save file or a dump-core with one that was built, if it has one that has not run."""
    origin = captured_as(data)
    try:
        built = read_capture(data, "host", origin or Origin.SAVE)
    except RefusedError as error:
        return check_error(error, len(data))
    identify(built)
    guest = next((guest for guest in _guests() if guest.kind is built.kind), _guests()[0])
    said = check_sides(GivenDomain("host", built), GivenDomain("guest.cfg", guest), data)
    return f"{built.kind} {said}"


def run_description(data: bytes) -> str:
    """Ask everything of a save file or a dump-core that `inspect` and `extract` ask."""
    try:
        subject = api.examine(data, source="host")
    except RefusedError as error:
        return check_error(error, len(data))
    tree = subject.describe()
    check_tree(tree)
    check_parts(subject.parts())
    said = {"of a domain" if tree.get("domain") else str(tree["kind"])}
    for address in ("0x1000", "virt:0xffffffff80000010", "frame:0x101", "frame:0xfeffc"):
        try:
            check_tree(subject.describe_address(address, 64))
        except (RefusedError, UsageError) as error:
            said.add(check_error(error))
    return ", ".join(sorted(said))
