"""`cpuid`: changes to the CPU's features that a guest is told of (xl.cfg(5); upstream: libxl_cpuid.c).

It is a string of features behind `host`, or a list of leaves as xend had it. xl complains of a mistake, leaves it out
and goes on: here each is a warning. A leaf whose number is right stays, even with nothing in it.
"""

import re
from collections.abc import Iterable, Mapping

from xlbuild.cnumbers import leading_unsigned
from xlbuild.config.cpuid_features import EXTENSIONS, FIELDS, Field, Msr, Register, features_of
from xlbuild.config.problems import Problems
from xlbuild.config.settings import Element
from xlbuild.config.suggest import did_you_mean
from xlbuild.errors import Diagnostic
from xlbuild.libxl.domain import CpuidLeaf, CpuidMsr, CpuidPolicy
from xlbuild.units import UINT32

_VALUES = "01xks"
_REGISTER_BITS, _MSR_BITS = 32, 64
_NO_NUMBER = UINT32 - 1
"""What libxl keeps in a subleaf that there is not, and behind the last leaf."""

_LARGEST_FAMILY = 15
"""What is above it has an extension."""

_FEATURES_HINT = 'write cpuid = "host,FEATURE=0": 0 is off, 1 on, x as Xen has it, k or s as the host has it'
_LEAVES_HINT = (
    'write each leaf as "LEAF:ecx=BITS" or "LEAF,SUBLEAF:ecx=BITS", with 32 BITS of 0, 1, x, k or s'
)
_REGISTERS = ("eax", "ebx", "ecx", "edx")
_REGISTER = re.compile("(e[abcd]x)[^=]*=", re.DOTALL)


class _MistakeError(Exception):
    """What xl complains of, and where in the text."""

    def __init__(self, what: str, index: int = 0, hint: str | None = None) -> None:
        super().__init__(what)
        self.index = index
        self.hint = hint


def cpuid_features(element: Element, problems: Problems, release: str) -> CpuidPolicy | None:
    """Return what a string of features changes; None for nothing."""
    policy = _Policy()
    features = features_of(release)
    flags = list(re.finditer("[^,]+", element.text))
    if flags and flags[0][0] != "host":
        _warn(
            problems,
            element,
            _MistakeError("does not start with `host`: xl ignores all of it"),
            _FEATURES_HINT,
        )
        return None
    for flag in flags[1:]:
        try:
            policy.set_feature(flag[0], features)
        except _MistakeError as mistake:
            mistake.index = flag.start()
            _warn(problems, element, mistake, _FEATURES_HINT)
    return policy.result()


def cpuid_leaves(elements: Iterable[Element], problems: Problems) -> CpuidPolicy | None:
    """Return what a list of leaves changes; None for nothing."""
    policy = _Policy()
    for element in elements:
        try:
            policy.set_leaf(element.text)
        except _MistakeError as mistake:
            _warn(problems, element, mistake, _LEAVES_HINT)
    return policy.result()


class _Policy:
    """The changes so far: the bits of each register, the highest first."""

    def __init__(self) -> None:
        self._leaves: dict[tuple[int, int | None], dict[str, str]] = {}
        self._msrs: dict[int, str] = {}

    def result(self) -> CpuidPolicy | None:
        leaves = tuple(
            CpuidLeaf(*place, *(registers.get(name) for name in _REGISTERS))
            for place, registers in self._leaves.items()
        )
        msrs = tuple(CpuidMsr(index, bits) for index, bits in self._msrs.items())
        return CpuidPolicy(leaves, msrs) if leaves or msrs else None

    def set_feature(self, flag: str, features: Mapping[str, tuple[Register | Msr, int]]) -> None:
        """Take one `feature=value`."""
        name, equals, value = flag.partition("=")
        if not equals:
            raise _MistakeError(f"has {flag!r} without a value: xl leaves it out")
        if name in features:
            self._set_bit(*features[name], value)
        elif name in FIELDS:
            self._set_field(name, value)
        else:
            hint = did_you_mean(name, (*features, *FIELDS), "see cpuid in xl.cfg(5) for the names")
            raise _MistakeError(f"has {name!r}, which is no feature that xl knows: it leaves it out", 0, hint)

    def set_leaf(self, text: str) -> None:
        """Take one leaf with its registers, up to a mistake in these."""
        leaf, rest = _number(text, text, "leaf")
        subleaf: int | None = None
        if rest.startswith(","):
            subleaf, rest = _number(rest[1:], text, "subleaf")
        if not rest.startswith(":"):
            raise _MistakeError(f"{text!r} has no `:` behind its leaf: xl ignores it", len(text) - len(rest))
        if leaf == _NO_NUMBER:
            return  # libxl's mark of a list's end: nothing comes of it
        registers = self._leaves.setdefault((leaf, None if subleaf == _NO_NUMBER else subleaf), {})
        rest = rest[1:]
        while rest:
            name, bits, rest = _register(rest, text)
            registers[name] = bits

    def _set_bit(self, register: Register | Msr, bit: int, value: str) -> None:
        self._touch(register)
        if isinstance(register, Msr):
            if len(value) > 1:
                raise _no_value(value)
            # What is to survive a migration is kept as what is to be the host's.
            self._write_msr(register, bit, _letter(value).replace("s", "k"))
        else:
            self._write(register, bit, _bits(value, 1))

    def _set_field(self, name: str, value: str) -> None:
        field, extension = FIELDS[name], EXTENSIONS.get(name)
        self._touch(field.register)
        low, high = _field_bits(name, field, extension, value)
        self._write(field.register, field.lowest, low)
        if extension is not None:
            self._write(extension.register, extension.lowest, high)

    def _touch(self, register: Register | Msr) -> None:
        """Have the leaf or the MSR among those that change, whatever is wrong with the value."""
        if isinstance(register, Msr):
            self._msrs.setdefault(register.index, "x" * _MSR_BITS)
        else:
            self._leaves.setdefault((register.leaf, register.subleaf), {})

    def _write_msr(self, msr: Msr, bit: int, letter: str) -> None:
        self._msrs[msr.index] = _replaced(self._msrs[msr.index], bit, letter)

    def _write(self, register: Register, lowest: int, bits: str) -> None:
        registers = self._leaves[register.leaf, register.subleaf]
        registers[register.name] = _replaced(registers.get(register.name, "x" * _REGISTER_BITS), lowest, bits)


def _field_bits(name: str, field: Field, extension: Field | None, value: str) -> tuple[str, str]:
    """Return the bits of a field and of its extension."""
    if extension is None:
        return _bits(value, field.width), ""
    if name == "family":
        return _family_bits(value, field.width, extension.width)
    both = _bits(value, field.width + extension.width)
    return both[extension.width :], both[: extension.width]


def _family_bits(value: str, width: int, more: int) -> tuple[str, str]:
    """Return the bits of a family, of which the extension has what is above 15, but for its own highest bit."""
    number = leading_unsigned(value, 0)
    if number is None:
        return _letter(value) * width, "0" * more
    above = max(number[0] - _LARGEST_FAMILY, 0)
    return _binary(min(number[0], _LARGEST_FAMILY), width), _binary(number[0], more)[0] + _binary(
        above, more - 1
    )


def _bits(value: str, width: int) -> str:
    """Return the lowest bits of a number, or one letter for all of them."""
    number = leading_unsigned(value, 0)
    return _letter(value) * width if number is None else _binary(number[0], width)


def _binary(number: int, width: int) -> str:
    return f"{number % (1 << width):0{width}b}"


def _replaced(bits: str, lowest: int, new: str) -> str:
    end = len(bits) - lowest
    return bits[: end - len(new)] + new + bits[end:]


def _letter(value: str) -> str:
    """Return what a value starts with; xl drops the rest."""
    if value[:1] and value[0] in _VALUES:
        return value[0]
    raise _no_value(value)


def _no_value(value: str) -> _MistakeError:
    return _MistakeError(f"has the value {value!r}, which is none of 0, 1, x, k and s: xl leaves it out")


def _number(rest: str, text: str, what: str) -> tuple[int, str]:
    number = leading_unsigned(rest, 0)
    if number is None:
        raise _MistakeError(f"{text!r} has no {what}: xl ignores it", len(text) - len(rest))
    return number[0] % UINT32, number[1]


def _register(rest: str, text: str) -> tuple[str, str, str]:
    """Return the register that a text starts with, its bits, and the rest."""
    index = len(text) - len(rest)
    match = _REGISTER.match(rest)
    if match is None:
        raise _MistakeError(f"{text!r} has no register at {rest!r}: xl ignores that and what follows", index)
    bits, _, rest = rest[match.end() :].partition(",")
    if len(bits.encode(errors="surrogateescape")) != _REGISTER_BITS:
        what = f"{text!r} has {len(bits)} bits for {match[1]}: xl ignores them and what follows"
        raise _MistakeError(what, index + match.end())
    return match[1], bits, rest.lstrip(" ")


def _warn(problems: Problems, element: Element, mistake: _MistakeError, hint: str) -> None:
    where = element.at(mistake.index)
    problems.warn(Diagnostic("config-cpuid", f"cpuid {mistake}", where, mistake.hint or hint))
