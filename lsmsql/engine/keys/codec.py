"""The codec of a key: what the rest of the engine calls."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa

from lsmsql.engine.errors import (
    ConstraintError,
    Error,
    LimitError,
    SchemaError,
    TypeMismatchError,
    UsageError,
)
from lsmsql.engine.keys import decoding, encoding
from lsmsql.engine.keys.numbers import SIGN, is_integral
from lsmsql.engine.keys.parts import (
    BAD_VALUE,
    BLOB_TAG,
    CUT_SHORT,
    TEXT_TAG,
    KeyPart,
    part_decoder,
    part_encoder,
)
from lsmsql.engine.ragged import from_numpy
from lsmsql.engine.values import (
    MAX_INTEGER,
    MAX_KEY_BYTES,
    MIN_INTEGER,
    ColumnType,
    Value,
    storage_class,
)

TEXT_FIRST, BLOB_FIRST = bytes([TEXT_TAG]), bytes([BLOB_TAG])

_INTEGER_BYTES = 8
_LAST_BYTE = 0xFF
_BYTES = [bytes([value]) for value in range(_LAST_BYTE + 1)]

MASK_BITS = 63
"""The real mask is a 64-bit INTEGER, so an ANY part must be among the first 63."""


class KeyCodec:
    """Encodes and decodes the keys of one table or index, singly and in columns.

    ``encode(values)`` gives the key of a value for each part. It raises ConstraintError for NULL in
    a part that is not nullable, TypeMismatchError for a value of another type than the part's,
    LimitError for a key over MAX_KEY_BYTES, UsageError for a wrong number of values. It is bound at
    construction, so that a key of one part takes a shorter way.
    """

    encode: Callable[[Sequence[Value]], bytes]

    def __init__(self, parts: Sequence[KeyPart]) -> None:
        self.parts = tuple(parts)
        if not self.parts:
            raise SchemaError("a key needs at least one part")
        if any(part.type is ColumnType.ANY for part in self.parts[MASK_BITS:]):
            raise LimitError(f"an ANY column must be among the first {MASK_BITS} of a key")
        final = len(self.parts) - 1
        self._inner_encoders = [part_encoder(part, False) for part in self.parts]
        self._encoders = [*self._inner_encoders[:-1], part_encoder(self.parts[-1], True)]
        self._decoders = [part_decoder(part, i == final) for i, part in enumerate(self.parts)]
        self._raw_any = final == 0 and self.parts[0] == KeyPart(ColumnType.ANY)
        self._raw_integer = final == 0 and self.parts[0] == KeyPart(ColumnType.INTEGER)
        self._any_parts = [i for i, part in enumerate(self.parts) if part.type is ColumnType.ANY]
        self.encode = self._single_encoder() if final == 0 else self._composite_encoder()

    def _single_encoder(self) -> Callable[[Sequence[Value]], bytes]:
        (encode_part,) = self._encoders
        explain = self._explain

        def encode(values: Sequence[Value]) -> bytes:
            try:
                (value,) = values
                key = encode_part(value)
            except BAD_VALUE:
                raise explain(values) from None
            if len(key) > MAX_KEY_BYTES:
                raise key_too_long(len(key))
            return key

        return encode

    def _composite_encoder(self) -> Callable[[Sequence[Value]], bytes]:
        encoders, explain = self._encoders, self._explain

        def encode(values: Sequence[Value]) -> bytes:
            try:
                key = b"".join([e(v) for e, v in zip(encoders, values, strict=True)])
            except BAD_VALUE:
                raise explain(values) from None
            if len(key) > MAX_KEY_BYTES:
                raise key_too_long(len(key))
            return key

        return encode

    def encode_prefix(self, values: Sequence[Value]) -> bytes:
        """What all keys that begin with these values begin with, and no other key does.

        With a value for every part this is ``encode``, the whole key. A prefix has no limit of
        length; one longer than MAX_KEY_BYTES is just that of no key. Raises as ``encode``.
        """
        if len(values) >= len(self.parts):
            return self.encode(values)
        try:
            if len(values) == 1:
                return self._inner_encoders[0](values[0])
            return b"".join([e(v) for e, v in zip(self._inner_encoders, values, strict=False)])
        except BAD_VALUE:
            raise self._explain(values, prefix=True) from None

    def encode_bound(self, values: Sequence[Value]) -> bytes:
        """``encode_prefix`` without the limit of length: where in the order a key would stand."""
        whole = len(values) == len(self.parts)
        encoders = self._encoders if whole else self._inner_encoders
        try:
            if len(values) == 1:
                return encoders[0](values[0])
            return b"".join([e(v) for e, v in zip(encoders, values, strict=False)])
        except BAD_VALUE:
            raise self._explain(values, prefix=not whole) from None

    def _explain(self, values: Sequence[Value], prefix: bool = False) -> Error:
        """The error for values that could not be encoded."""
        if len(values) != len(self.parts) and not prefix:
            return UsageError(f"the key has {len(self.parts)} parts, not {len(values)}")
        for i, (part, value) in enumerate(zip(self.parts, values, strict=False)):
            try:
                self._encoders[i](value)
            except BAD_VALUE:
                return _refusal(f"part {i + 1} of the key", part, value)
        raise AssertionError("every part can be encoded")

    def decode(self, key: bytes) -> tuple[Value, ...]:
        """The values of a key. Raises ValueError if it is none of this codec."""
        values = []
        at = 0
        try:
            for decode in self._decoders:
                value, at = decode(key, at)
                values.append(value)
        except CUT_SHORT:
            raise ValueError(f"the key ends too early: {key[:32]!r}") from None
        if at != len(key):
            raise ValueError(f"{len(key) - at} bytes too many in the key: {key[:32]!r}")
        return tuple(values)

    def end_of(self, key: bytes, parts: int) -> int:
        """Where in a key its first ``parts`` parts end. Raises ValueError as ``decode``."""
        at = 0
        try:
            for decode in self._decoders[:parts]:
                _, at = decode(key, at)
        except CUT_SHORT:
            raise ValueError(f"the key ends too early: {key[:32]!r}") from None
        return at

    def decode_few(self, keys: Sequence[bytes], wanted: Sequence[int]) -> list[list[Value]]:
        """The wanted parts of some keys, a list for each part. Raises ValueError as ``decode``."""
        if len(self.parts) == 1:
            return [self._decode_single(keys)] * len(wanted)
        decoded = [self.decode(key) for key in keys]
        return [[values[part] for values in decoded] for part in wanted]

    def holds_blobs(self, first_bytes: bytes) -> bool:
        """Whether keys that begin with these bytes are all blobs behind their first byte."""
        return self._raw_any and first_bytes == BLOB_FIRST * len(first_bytes)

    def _decode_single(self, keys: Sequence[bytes]) -> list[Value]:
        """The values of keys of one part; those of one type by what their form comes down to."""
        if self._raw_any:
            tags = {key[:1] for key in keys}
            if tags == {BLOB_FIRST}:
                return [key[1:] for key in keys]
            if tags == {TEXT_FIRST}:
                return [key[1:].decode() for key in keys]
        elif self._raw_integer and {*map(len, keys)} == {_INTEGER_BYTES}:
            words = struct.unpack(f">{len(keys)}Q", b"".join(keys))
            return [word - SIGN for word in words]
        return [self.decode(key)[0] for key in keys]

    def real_mask(self, values: Sequence[Value]) -> int | None:
        """Bit i set where ANY part i is a REAL that decodes to an int; None when there is none."""
        mask = 0
        for i in self._any_parts:
            value = values[i]
            if type(value) is float and is_integral(value):
                mask |= 1 << i
        return mask or None

    def apply_real_mask(self, values: tuple[Value, ...], mask: int | None) -> tuple[Value, ...]:
        """Decoded values with the REALs that the mask names turned back into float."""
        if not mask:
            return values
        changed = list(values)
        for i in self._any_parts:
            value = changed[i]
            if mask >> i & 1 and type(value) is int:
                changed[i] = float(value)
        return tuple(changed)

    def encode_columns(self, arrays: Sequence[pa.Array]) -> tuple[pa.Array, pa.Array | None]:
        """Keys (binary) of rows given as columns, and their real masks (int64; None if all null).

        An array for every part, each of the Arrow type of its part's declared type; for an ANY
        part any of these, TAGGED or null. Arrays may be slices. Raises as ``encode``, and
        LimitError when the keys of the batch do not fit in one array of 2 GiB.
        """
        if len(arrays) != len(self.parts):
            raise UsageError(f"the key has {len(self.parts)} parts, not {len(arrays)}")
        if len(set(map(len, arrays))) != 1:
            raise UsageError("the columns of a key differ in length")
        final = len(self.parts) - 1
        pieces: list[pa.Array | pa.Scalar] = []
        for i, (part, array) in enumerate(zip(self.parts, arrays, strict=True)):
            pieces += encoding.encode_part(part, i == final, array, f"part {i + 1} of the key")
        keys = encoding.join_pieces(pieces)
        longest = encoding.longest(keys)
        if longest > MAX_KEY_BYTES:
            raise key_too_long(longest)
        return keys, self._real_masks(arrays)

    def _real_masks(self, arrays: Sequence[pa.Array]) -> pa.Array | None:
        masks = np.zeros(len(arrays[0]), np.int64)
        for i in self._any_parts:
            reals = encoding.integral_reals(arrays[i])
            if reals is not None:
                masks |= reals.astype(np.int64) << i
        return from_numpy(masks, masks == 0) if masks.any() else None

    def decode_columns(
        self,
        keys: pa.Array,
        wanted: Sequence[int] | None = None,
        real_masks: pa.Array | None = None,
    ) -> list[pa.Array]:
        """The wanted parts (all by default) of a valid binary array of keys, as columns.

        Each is of the Arrow type of its declared type. An ANY part gives an array of the one type
        its values have, null if they are all NULL, TAGGED if they are of several types. With
        ``real_masks`` (int64, as from ``encode_columns``) REALs come back as such. Parts behind the
        last wanted one are not looked at. Raises ValueError for a malformed key among those that
        are.
        """
        if wanted is None:
            wanted = range(len(self.parts))
        return decoding.decode_parts(self.parts, keys, wanted, real_masks)


def successor(prefix: bytes) -> bytes | None:
    """The smallest byte string greater than every one that begins with ``prefix``.

    None when there is none: the prefix is empty or all FF.
    """
    if prefix and prefix[-1] != _LAST_BYTE:
        return prefix[:-1] + _BYTES[prefix[-1] + 1]
    stem = prefix.rstrip(b"\xff")
    return stem[:-1] + bytes([stem[-1] + 1]) if stem else None


def key_too_long(size: int) -> LimitError:
    return LimitError(f"a key of {size:,} bytes; the limit is {MAX_KEY_BYTES:,}")


def _refusal(where: str, part: KeyPart, value: object) -> Error:
    """The error for a value that cannot be in this part."""
    if value is None:
        return ConstraintError(f"NOT NULL constraint failed: {where}")
    if type(value) is int and not MIN_INTEGER <= value <= MAX_INTEGER:
        return LimitError(f"{where}: integer {value} does not fit in 64 bits")
    if type(value) is str and part.type in (ColumnType.TEXT, ColumnType.ANY):
        return TypeMismatchError(f"{where}: text is not valid UTF-8")
    if not isinstance(value, int | float | str | bytes) or isinstance(value, bool):
        return TypeMismatchError(f"{where}: cannot store {type(value).__name__}")
    return TypeMismatchError(f"{where} is {part.type}; it cannot hold {storage_class(value)}")
