"""A ramdisk: the archives in it, what a guest starts from it, and what Xen's toolstack makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby

from xlbuild.image.blob import Blob
from xlbuild.image.codecerror import CodecError
from xlbuild.image.gunzip import PADDING, unpacked_room
from xlbuild.image.recognise import FileKind
from xlbuild.inspect.problems import Problem, problem_rows
from xlbuild.inspect.ramdisks.cpio import (
    LONGEST_MAGIC,
    MOST_NAMES,
    Contents,
    CpioError,
    format_of,
    walk_archive,
)
from xlbuild.inspect.ramdisks.filesystems import (
    SAMPLE,
    FileSystem,
    describe_file_system,
    file_system_of,
)
from xlbuild.inspect.ramdisks.source import Source
from xlbuild.inspect.ramdisks.streams import Budget, BudgetSpentError, Packing, open_stream, packing_at
from xlbuild.inspect.tree import Branch, Part, Tree, hexadecimal
from xlbuild.profiles import PROFILES, XC_DOM_DECOMPRESS_MAX
from xlbuild.units import MIB, UINT64, human_size, pages_for

MOST_WORK = 256 * MIB
"""Bytes that are read and unpacked of a file, about; for compressions that take longer, fewer."""

_MOST_MEMBERS = 64
_NO_LIMIT = UINT64
_LINUX_ALIGNMENT = 4
_DAMAGED = "compare its size and checksum with the original"
_NOT_KNOWN_TO_LINUX = "lz4 frame"


@dataclass(slots=True)
class _Member:
    """One of the archives or streams that a file is made of, one behind the other."""

    offset: int
    packing: Packing | None
    size: int = 0
    unpacked: int = 0
    is_whole: bool = False
    is_damaged: bool = False
    contents: Contents = field(default_factory=Contents)
    head: bytes = b""
    system: FileSystem | None = None

    @property
    def format(self) -> str:
        """What it is once it is unpacked."""
        if self.contents.format is not None:
            return f"cpio ({self.contents.format.name})"
        return "unknown" if self.system is None else self.system.name

    @property
    def early(self) -> str:
        """What Linux takes from it before it unpacks anything: it looks for that in archives that are not packed."""
        return ", ".join(self.contents.early) if self.packing is None else ""

    @property
    def is_early(self) -> bool:
        """Whether it is there for that alone."""
        return bool(self.early) and self.contents.init is None


class _Walk:
    """Goes through a file once, from member to member."""

    def __init__(self, data: memoryview, budget: Budget) -> None:
        self._data = data
        self._budget = budget
        self.members: list[_Member] = []
        self.problems: list[Problem] = []

    def run(self) -> None:
        """Find all members, as far as the file makes sense and the budget goes."""
        at: int | None = 0
        while at is not None and len(self.members) < _MOST_MEMBERS:
            rest = Source(iter((self._data[at:],)), at)
            if not rest.skip_zeros():
                return
            try:
                at = self._member(rest)
            except BudgetSpentError:
                at = None
                words = "the file is not read further: what is above is what its first part says"
                self.problems.append(Problem(None, words))
        if at is not None and at < len(self._data):
            self.problems.append(Problem(at, f"nothing is told of what is behind {_MOST_MEMBERS} archives"))

    def _member(self, rest: Source) -> int | None:
        """Read a member, and return where it ends; None: that is not known."""
        start = rest.offset
        is_archive = format_of(rest.peek(LONGEST_MAGIC)) is not None
        if is_archive and not start % _LINUX_ALIGNMENT:
            return self._archive(rest)
        if packing := packing_at(self._data, start):
            return self._stream(start, packing)
        found = rest.peek(8).hex(" ")
        words = f"neither an archive nor a compressed stream starts there, but {found}"
        mend = "remove what is behind the archive, or compare the file with the original"
        if is_archive:
            words = "an archive starts there, which Linux looks for at multiples of 4 bytes only"
            mend = "fill up what is before it with zeros: truncate -s %4"
        self.problems.append(Problem(start, words, mend))
        return None

    def _archive(self, source: Source) -> int | None:
        member = _Member(source.offset, None)
        self.members.append(member)
        try:
            walk_archive(source, member.contents, self._budget)
            member.is_whole = True
        except CpioError as error:
            member.is_damaged = True
            self.problems.append(Problem(error.offset, str(error), _DAMAGED))
        finally:
            member.size = member.unpacked = source.offset - member.offset
        return source.offset if member.is_whole else None

    def _stream(self, start: int, packing: Packing) -> int | None:
        member = _Member(start, packing)
        self.members.append(member)
        stream = open_stream(self._data, start, self._budget)
        source = Source(packing.pieces(stream))
        try:
            self._content(member, packing.name, source)
            source.skip_all()
            if source.failure is not None:
                raise source.failure
            member.is_whole = True
        except CodecError as error:
            member.is_damaged = True
            self.problems.append(Problem(stream.end, f"{packing.name}: {error}", _DAMAGED))
        finally:
            member.size, member.unpacked = stream.end - start, stream.size
        return stream.end if member.is_whole else None

    def _content(self, member: _Member, packing: str, source: Source) -> None:
        """Look at what a stream unpacks to. Raises BudgetSpentError."""
        inner = f"in the {packing} stream at {member.offset:#x}"
        try:
            member.head = source.peek(SAMPLE)
            member.system = file_system_of(member.head)
            if format_of(member.head) is not None:
                self._archives(member, source)
            elif member.system is None and source.failure is None:
                start = member.head[:8].hex(" ") or "nothing"
                words = f"what is {inner} is neither a cpio archive nor a known file system: it starts with {start}"
                self.problems.append(Problem(member.offset, words, "see with `file` what it is"))
        except CpioError as error:
            if source.failure is not None:
                return  # that is why the archive ends
            words = f"{inner}, at {error.offset:#x} of what it unpacks to: {error}"
            self.problems.append(Problem(member.offset, words, _DAMAGED))

    def _archives(self, member: _Member, source: Source) -> None:
        more = True
        while more:
            walk_archive(source, member.contents, self._budget)
            more = source.skip_zeros()
            if more and (source.offset % _LINUX_ALIGNMENT or not format_of(source.peek(LONGEST_MAGIC))):
                raise CpioError(f"no archive starts there, but {source.peek(8).hex(' ')}", source.offset)


def describe_ramdisk(data: bytes | bytearray | memoryview, most_work: int = MOST_WORK) -> Branch | None:
    """Return what a ramdisk has in it; None for a file that is none: no archive, file system or compressed stream.

    data        the file's bytes
    most_work   bytes that are read and unpacked before it gives up
    """
    view = memoryview(data)
    if not _has_members(view):
        head = bytes(view[:SAMPLE])
        system = file_system_of(head)
        return None if system is None else _describe_image(system, head, view)
    walk = _Walk(view, Budget(most_work))
    walk.run()
    return _describe_archives(view, walk.members, [*walk.problems, *_judge(walk.members)])


def _has_members(data: memoryview) -> bool:
    """Return whether a file starts with an archive or a compressed stream: its other bytes may look like anything."""
    return format_of(bytes(data[:LONGEST_MAGIC])) is not None or packing_at(data, 0) is not None


def ramdisk_parts(data: bytes | bytearray | memoryview, most_work: int = MOST_WORK) -> tuple[Part, ...]:
    """Return what can be taken out of a ramdisk: each archive and each stream that is whole, unpacked."""
    view = memoryview(data)
    walk = _Walk(view, Budget(most_work))
    if _has_members(view):
        walk.run()
    return tuple(
        Part(f"member{index}", f"{member.format}, unpacked", member.unpacked, partial(_take, view, member))
        for index, member in enumerate(walk.members)
        if member.is_whole
    )


def _take(data: memoryview, member: _Member) -> Iterator[bytes | memoryview]:
    """Yield a member's bytes, unpacked; it was found to be whole."""
    if member.packing is None:
        yield data[member.offset : member.offset + member.size]
    else:
        # The walk has counted the work: what is taken out is no more than that.
        yield from member.packing.pieces(open_stream(data, member.offset, Budget(_NO_LIMIT)))


def _describe_image(system: FileSystem, head: bytes, data: memoryview) -> Branch:
    image, wrong = describe_file_system(system, head, len(data))
    kind = FileKind.DISK if system.is_disk else FileKind.RAMDISK
    return {
        "kind": kind.value,
        "size": len(data),
        "contents": str(image["format"]),
        "image": image,
        "setting": "disk" if system.is_disk else "disk, or ramdisk for a kernel that mounts such an image",
        "in_guest": [] if system.is_disk else list(_in_guest(data, [])),
        "problems": problem_rows([Problem(None, wrong, _DAMAGED)] if wrong else []),
    }


def _describe_archives(data: memoryview, members: list[_Member], problems: list[Problem]) -> Branch:
    contents = [member.contents for member in members]
    inits = [each.init for each in contents if each.init is not None]
    main = [name for member in members if not member.is_early for name in member.contents.names]
    images = []
    for member in members:
        if member.system is not None:
            image, wrong = describe_file_system(member.system, member.head, member.unpacked)
            images.append(image)
            problems += [Problem(member.offset, wrong, _DAMAGED)] if wrong and member.is_whole else []
    return {
        "kind": FileKind.RAMDISK.value,
        "size": len(data),
        "contents": _title(members),
        "unpacked_size": sum(member.unpacked for member in members),
        "members": [_row(member) for member in members],
        "images": images,
        "init": None
        if not inits
        else {"name": "/init", "what": inits[-1].what, "mode": f"{inits[-1].mode:o}"},
        "modules_for": list(dict.fromkeys(release for each in contents for release in each.modules)),
        "names": list(dict.fromkeys(main))[:MOST_NAMES],
        "setting": "ramdisk",
        "in_guest": list(_in_guest(data, members)),
        "problems": problem_rows(problems),
    }


def _row(member: _Member) -> dict[str, Tree]:
    return {
        "offset": hexadecimal(member.offset),
        "size": member.size,
        "compression": member.packing.name if member.packing else "none",
        "format": member.format,
        "files": member.contents.files if member.contents.format else None,
        "unpacked_size": member.unpacked,
        "whole": member.is_whole,
        "early": member.early or None,
    }


def _title(members: list[_Member]) -> str:
    parts = []
    for member in members[:4]:
        packed = f", packed with {member.packing.name}" if member.packing else ""
        with_early = f", with {member.early}" if member.early else ""
        if member.is_early:
            parts.append(f"early cpio archive ({member.early})")
        elif member.contents.format is not None:
            parts.append(f"cpio archive{packed}{with_early}")
        else:
            parts.append((f"{member.system.name} image" if member.system else "unknown contents") + packed)
    parts += [f"{len(members) - 4} more"] if len(members) > 4 else []
    return ", then ".join(parts)


def _judge(members: list[_Member]) -> Iterator[Problem]:
    """Yield what Linux, and Xen, will not make of a ramdisk what its maker may expect."""
    for member in members:
        form = member.contents.format
        if form is not None and not form.for_linux:
            words = f"the archive has the form {form.name}, and Linux reads newc and crc only"
            yield Problem(member.offset, words, "make it with cpio -H newc")
        if member.packing is not None and member.packing.name == _NOT_KNOWN_TO_LINUX:
            yield Problem(
                member.offset, "Linux reads lz4's legacy format only", "pack it with lz4 -l, or gzip"
            )
    yield from _judge_init(members)
    first = members[0]
    if len(members) > 1 and first.packing is not None and first.packing.name == "gzip":
        words = "releases that unpack a gzip file take its first stream alone: what is behind it is lost to the guest"
        yield Problem(members[1].offset, words, "unpack all of it, and pack it as one stream")


def _judge_init(members: list[_Member]) -> Iterator[Problem]:
    archives = [member for member in members if member.contents.format is not None]
    inits = [member.contents.init for member in archives if member.contents.init is not None]
    if inits and inits[-1].mend:
        yield Problem(None, f"/init cannot be started: it is {inits[-1].what}", inits[-1].mend)
    if archives and not inits and all(member.is_whole for member in members):
        words = "there is no /init: Linux does not start anything from it unless rdinit= names it"
        yield Problem(None, words, "put an executable /init there, or set rdinit= on the command line")


def _in_guest(data: memoryview, members: list[_Member]) -> Iterator[dict[str, Tree]]:
    """Yield what each release's toolstack puts into the memory of a PV or PVH guest."""
    for (what, size), group in groupby(
        PROFILES, lambda profile: _loaded(data, members, profile.unzips_ramdisk)
    ):
        releases = [profile.name for profile in group]
        yield {
            "xen": f"{releases[0]} to {releases[-1]}",
            "what": what,
            "size": size,
            "pages": None if size is None else pages_for(size),
        }


def _loaded(data: memoryview, members: list[_Member], unzips: bool) -> tuple[str, int | None]:
    """Return what becomes of a file, and its bytes in the guest (`xlbuild.image.modules` does it)."""
    if len(data) > XC_DOM_DECOMPRESS_MAX:
        return f"refused: larger than {human_size(XC_DOM_DECOMPRESS_MAX)}", None
    room = unpacked_room(Blob.of(data)) if unzips else None
    if room is None or room > XC_DOM_DECOMPRESS_MAX:
        return "as it is", len(data)
    first, size = members[0], max(room, len(data))
    if first.is_damaged or first.unpacked > room:
        claimed = f"the {room - PADDING} bytes that its last four claim"
        return f"as it is: the stream is damaged, or unpacks to more than {claimed}", size
    if not first.is_whole:
        return "unpacked if the stream is good to its end, which was not looked at", size
    return "unpacked, with 16 bytes behind it", size
