"""Unpacking each payload of a file once, however often its loaders are asked."""

from __future__ import annotations

from dataclasses import dataclass, field

from xlbuild.image.blob import Blob
from xlbuild.image.codecerror import CodecError
from xlbuild.image.codecs import Codec
from xlbuild.profiles import Profile


@dataclass(slots=True)
class UnpackOnce:
    """Undoes each compression of one file once, however often loaders ask: of all releases, for all containers."""

    _done: dict[tuple[str, int, int | None], Blob | CodecError] = field(default_factory=dict)

    def __call__(self, codec: Codec, payload: Blob, profile: Profile) -> Blob:
        """Return the unpacked payload; CodecError as the codec raises it."""
        key = (codec.name, payload.size, _what_codec_goes_by(codec, profile))
        if key not in self._done:
            try:
                self._done[key] = codec.unpack(payload, profile)
            except CodecError as error:
                self._done[key] = error
        done = self._done[key]
        if isinstance(done, CodecError):
            raise done
        return done


def _what_codec_goes_by(codec: Codec, profile: Profile) -> int | None:
    """Return the one value in which releases differ to a codec; None: in none."""
    if codec.name in ("xz", "lzma"):
        return profile.lzma_memory_limit
    return profile.lz4_fills_up if codec.name == "lz4" else None
