"""Changes to files of bytes: small ones where numbers stand, and large ones anywhere."""

from collections.abc import Callable
from functools import partial

from dice import Dice

from fuzz.model import Field, Mutate, Seed, Seeds

MOST_BYTES = 1 << 16
"""No input is longer: what is slow for its size is found with small ones, too."""

_WORD_SIZES = (1, 2, 4, 4, 8)
_EXTREMES = (0, 1, 2, 0x7F, 0x80, 0xFF, 0xFFF, 0x1000, 0x1001, 0x7FFF, 0x8000, 0xFFFF, 0x10_0000)
_BORDERS = (31, 32, 39, 47, 48, 52, 63, 64)
"""Powers of two around which arithmetic changes."""

Change = Callable[[Dice, bytearray, Seed, Seeds], None]


def mutated(dice: Dice, seeds: Seeds, most_changes: int = 6) -> bytes:
    """Return a seed with one to so many changes, or once in a while none but its length."""
    seed = dice.choice(seeds)
    data = bytearray(seed.data)
    for _ in range(1 + dice.place(most_changes, towards_the_start=2)):
        dice.weighted(CHANGES)(dice, data, seed, seeds)
    del data[MOST_BYTES:]
    return bytes(data)


def _flip_bit(dice: Dice, data: bytearray, seed: Seed, seeds: Seeds) -> None:
    if data:
        data[_place(dice, data)] ^= 1 << dice.randrange(8)


def _set_byte(dice: Dice, data: bytearray, seed: Seed, seeds: Seeds) -> None:
    if data:
        data[_place(dice, data)] = dice.randrange(256)


def _set_word(dice: Dice, data: bytearray, seed: Seed, seeds: Seeds) -> None:
    size = dice.choice(_WORD_SIZES)
    if len(data) >= size:
        offset = min(_place(dice, data) // size * size, len(data) - size)
        _write(data, Field(offset, size), _number(dice, len(data)), dice.chance(10))


def _set_field(dice: Dice, data: bytearray, seed: Seed, seeds: Seeds) -> None:
    field = _field(dice, data, seed)
    if field is not None:
        _write(data, field, _number(dice, len(data)), dice.chance(4))


def _step_field(dice: Dice, data: bytearray, seed: Seed, seeds: Seeds) -> None:
    """Add a little to a number, or take it away."""
    field = _field(dice, data, seed)
    if field is not None:
        old = int.from_bytes(data[field.offset : field.offset + field.size], "little")
        _write(data, field, old + dice.pick(1, -1, 2, -2, 4, -4, 8, 16, 0x1000, -0x1000, 1 << 31), False)


def _copy_field(dice: Dice, data: bytearray, seed: Seed, seeds: Seeds) -> None:
    """Give a number the value of another."""
    source, field = _field(dice, data, seed), _field(dice, data, seed)
    if source is not None and field is not None:
        value = int.from_bytes(data[source.offset : source.offset + source.size], "little")
        _write(data, field, value + dice.pick(0, 0, 1, -1), False)


def _copy_block(dice: Dice, data: bytearray, seed: Seed, seeds: Seeds) -> None:
    start, size = _block(dice, data)
    at = dice.place(len(data) + 1)
    data[at : at + size] = data[start : start + size]


def _insert_block(dice: Dice, data: bytearray, seed: Seed, seeds: Seeds) -> None:
    start, size = _block(dice, data)
    at = dice.place(len(data) + 1)
    kind = dice.randrange(3)
    data[at:at] = (
        data[start : start + size] if kind == 0 else bytes(size) if kind == 1 else dice.randbytes(size)
    )


def _delete_block(dice: Dice, data: bytearray, seed: Seed, seeds: Seeds) -> None:
    start, size = _block(dice, data)
    del data[start : start + size]


def _zero_block(dice: Dice, data: bytearray, seed: Seed, seeds: Seeds) -> None:
    start, size = _block(dice, data)
    data[start : start + size] = bytes([dice.pick(0, 0, 0xFF)]) * len(data[start : start + size])


def _repeat_block(dice: Dice, data: bytearray, seed: Seed, seeds: Seeds) -> None:
    """Repeat a piece many times: what takes long for each is found so."""
    start, size = _block(dice, data)
    times = min(dice.pick(2, 8, 100, 4000), MOST_BYTES // max(size, 1))
    data[start : start + size] = data[start : start + size] * times


def _truncate(dice: Dice, data: bytearray, seed: Seed, seeds: Seeds) -> None:
    del data[len(data) - dice.randrange(1, 64) if dice.chance(40) else dice.place(len(data) + 1) :]


def _extend(dice: Dice, data: bytearray, seed: Seed, seeds: Seeds) -> None:
    size = dice.pick(1, 4, 8, 16, 100, 5000)
    data += bytes(size) if dice.chance(50) else dice.randbytes(size)


def _splice(dice: Dice, data: bytearray, seed: Seed, seeds: Seeds) -> None:
    """Go on with another seed, from the same place or any."""
    other = dice.choice(seeds).data
    at = dice.place(len(data) + 1)
    data[at:] = other[at if dice.chance(60) else dice.place(len(other) + 1) :]


def _graft(dice: Dice, data: bytearray, seed: Seed, seeds: Seeds) -> None:
    """Put a piece of another seed over the same place."""
    other = dice.choice(seeds).data
    start, size = _block(dice, bytearray(other))
    data[start : start + size] = other[start : start + size]


CHANGES: tuple[tuple[float, Change], ...] = (
    (24, _set_field),
    (10, _step_field),
    (4, _copy_field),
    (14, _set_word),
    (12, _flip_bit),
    (8, _set_byte),
    (4, _copy_block),
    (3, _insert_block),
    (3, _delete_block),
    (3, _zero_block),
    (1, _repeat_block),
    (5, _truncate),
    (3, _extend),
    (3, _splice),
    (3, _graft),
)
"""Every kind of change, with its weight."""


def _place(dice: Dice, data: bytearray) -> int:
    """Return a place in a file that is not empty; headers stand at the start."""
    return dice.place(len(data), towards_the_start=dice.pick(1, 1, 4))


def _block(dice: Dice, data: bytearray) -> tuple[int, int]:
    start = dice.place(len(data) + 1)
    return start, dice.pick(1, 2, 4, 8, 12, 16, 40, 56, 64, dice.randrange(1, 513), 4096)


def _field(dice: Dice, data: bytearray, seed: Seed) -> Field | None:
    """Return a place where a number stands, if there is one and the file still reaches so far."""
    if not seed.fields:
        return None
    field = dice.choice(seed.fields)
    return field if field.offset + field.size <= len(data) else None


def _number(dice: Dice, size: int) -> int:
    """Return a number at which something might break, for a file of so many bytes."""
    kind = dice.randrange(8)
    if kind < 2:
        return dice.choice(_EXTREMES)
    if kind < 4:
        return (1 << dice.choice(_BORDERS)) + dice.pick(0, -1, 1, -0x1000, -size)
    if kind < 6:
        return dice.pick(size, size - 1, size + 1, size // 2, dice.place(size + 1))
    return dice.getrandbits(dice.pick(8, 16, 32, 64))


def _write(data: bytearray, field: Field, value: int, big_endian: bool) -> None:
    packed = (value & (1 << 8 * field.size) - 1).to_bytes(field.size, "big" if big_endian else "little")
    data[field.offset : field.offset + field.size] = packed


def repacked(pack: Callable[[bytes], bytes], wrap: Callable[[bytes], bytes] | None = None) -> Mutate:
    """Return a mutation that changes what is in a packed file, and now and then the packed file, too.

    `pack` packs a changed seed and `wrap` puts the stream into a file. What is behind a codec is reached only so, as
    codecs have checksums.
    """
    return partial(_repacked, pack, wrap)


def _repacked(
    pack: Callable[[bytes], bytes], wrap: Callable[[bytes], bytes] | None, dice: Dice, seeds: Seeds
) -> bytes:
    inside = dice.chance(50)
    stream = pack(mutated(dice, seeds) if inside else dice.choice(seeds).data)
    if not inside or dice.chance(20):
        last = Field(len(stream) - 4, 4) if len(stream) > 4 else Field(0, 1)
        first = (Field(0, 4), Field(4, 4), Field(8, 4), Field(12, 4))
        stream = mutated(dice, (Seed(stream, (last, last, *first)),))
    if wrap is None:
        return stream
    file = wrap(stream)
    return mutated(dice, (Seed(file, BZIMAGE_FIELDS),), 2) if dice.chance(15) else file


BZIMAGE_FIELDS = (Field(0x1F1, 1), Field(0x202, 4), Field(0x206, 2), Field(0x248, 4), Field(0x24C, 4))
"""setup_sects, the magic, the version, payload_offset and payload_length."""
