"""One part of a key, one value at a time. The forms are drawn in the package docstring."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

from lsmsql.engine.keys.numbers import (
    EXACT,
    SIGN,
    double_of_word,
    join_number,
    split_number,
    word_of_double,
)
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.values import MAX_INTEGER, MIN_INTEGER, ColumnType, Value

NULL_MARK, VALUE_MARK = 0x01, 0x02
NULL_TAG, NUMBER_TAG, TEXT_TAG, BLOB_TAG = 0x10, 0x20, 0x30, 0x40
TERMINATOR = b"\x00\x01"
ESCAPED_ZERO = b"\x00\xff"
INVERTED = bytes(range(255, -1, -1))
"""Table for ``bytes.translate``: every byte inverted."""

Encoder = Callable[[Value], bytes]
"""Raises one of BAD_VALUE for a value that the part cannot hold."""
Decoder = Callable[[bytes, int], tuple[Value, int]]
"""Value at a position of a key, and the position after it; raises ValueError or a CUT_SHORT."""

BAD_VALUE = (TypeError, AttributeError, ValueError, struct.error)
CUT_SHORT = (struct.error, IndexError)

_NULL, _DESC = " NULL", " DESC"

_WORD = struct.Struct(">Q")
_DOUBLE = struct.Struct(">d")
_TAGGED_DOUBLE = struct.Struct(">Bd")
_TAGGED_WORD = struct.Struct(">BQ")
_TAGGED_WORD_RESIDUAL = struct.Struct(">BQH")
_RESIDUAL = struct.Struct(">H")
_TEXT_TAG = bytes([TEXT_TAG])
_BLOB_TAG = bytes([BLOB_TAG])


@dataclass(frozen=True)
class KeyPart:
    """A column of a key: its declared type, its direction, and whether it may be NULL."""

    type: ColumnType
    descending: bool = False
    nullable: bool = False

    def described(self, name: str) -> str:
        """The part of that name as the properties of a file say it: "name TYPE [NULL] [DESC]"."""
        return f"{name} {self.type}{_NULL * self.nullable}{_DESC * self.descending}"


def key_parts(schema: TableSchema) -> list[KeyPart]:
    """What a key of the table consists of."""
    return [
        KeyPart(schema.columns[i].type, descending, nullable=not schema.columns[i].not_null)
        for i, descending in zip(schema.key, schema.descending, strict=True)
    ]


def parse_part(text: str) -> tuple[str, KeyPart]:
    """Name and part from what ``KeyPart.described`` gives. Raises ValueError."""
    ascending = text.removesuffix(_DESC)
    declared = ascending.removesuffix(_NULL)
    name, _, kind = declared.rpartition(" ")
    return name, KeyPart(ColumnType(kind), ascending != text, declared != ascending)


def part_encoder(part: KeyPart, last: bool) -> Encoder:
    """The encoder of a part; ``last`` when nothing follows it in the key."""
    raw = last and not part.descending
    if part.type is ColumnType.ANY:
        encode = _any_encoder(raw, part.nullable)
    else:
        encode = _typed_encoder(part.type, raw)
        if part.nullable:
            encode = _nullable_encoder(encode)
    if part.descending:
        ascending = encode
        return lambda value: ascending(value).translate(INVERTED)
    return encode


def part_decoder(part: KeyPart, last: bool) -> Decoder:
    """The decoder of a part; ``last`` when nothing follows it in the key."""
    raw = last and not part.descending
    if part.type is ColumnType.ANY:
        decode = _any_decoder(raw, part.nullable)
    else:
        decode = _typed_decoder(part.type, raw)
        if part.nullable:
            decode = _nullable_decoder(decode)
    return _descending_decoder(decode) if part.descending else decode


def _typed_encoder(kind: ColumnType, raw: bool) -> Encoder:
    match kind:
        case ColumnType.INTEGER:
            return _encode_integer
        case ColumnType.REAL:
            return _encode_real
        case ColumnType.TEXT:
            return str.encode if raw else _encode_terminated_text  # type: ignore[return-value]
    return _encode_blob if raw else _encode_terminated_blob


def _encode_integer(value: Value) -> bytes:
    return _WORD.pack(value + SIGN)  # type: ignore[operator]


def _encode_real(value: Value) -> bytes:
    if type(value) is not float:
        raise TypeError
    if value >= 0.0:
        return _DOUBLE.pack(-(value + 0.0))  # the word of a double that is not negative
    return _WORD.pack(word_of_double(value))


def _encode_blob(value: Value) -> bytes:
    if type(value) is not bytes:
        raise TypeError
    return value


def _terminated(content: bytes) -> bytes:
    return content.replace(b"\x00", ESCAPED_ZERO) + TERMINATOR


def _encode_terminated_text(value: Value) -> bytes:
    return _terminated(str.encode(value))  # type: ignore[arg-type]


def _encode_terminated_blob(value: Value) -> bytes:
    return _terminated(_encode_blob(value))


def _any_encoder(raw: bool, nullable: bool) -> Encoder:
    def encode(value: Value) -> bytes:
        kind = type(value)
        if kind is str:
            content = value.encode()  # type: ignore[union-attr]
            return _TEXT_TAG + (content if raw else _terminated(content))
        if kind is int or kind is float:
            return _encode_number(value)  # type: ignore[arg-type]
        if kind is bytes:
            return _BLOB_TAG + (value if raw else _terminated(value))  # type: ignore
        if value is None and nullable:
            return bytes([NULL_TAG])
        raise TypeError

    return encode


def _encode_number(value: int | float) -> bytes:
    if 0 <= value < EXACT:
        return _TAGGED_DOUBLE.pack(NUMBER_TAG, -(value + 0.0))  # the word, as in _encode_real
    if -EXACT < value < 0:
        return _TAGGED_WORD.pack(NUMBER_TAG, word_of_double(value))
    if type(value) is int and not MIN_INTEGER <= value <= MAX_INTEGER:
        raise ValueError
    below, rest = split_number(value)
    return _TAGGED_WORD_RESIDUAL.pack(NUMBER_TAG, word_of_double(below), rest)


def _nullable_encoder(encode: Encoder) -> Encoder:
    null, lead = bytes([NULL_MARK]), bytes([VALUE_MARK])
    return lambda value: null if value is None else lead + encode(value)


def _typed_decoder(kind: ColumnType, raw: bool) -> Decoder:
    match kind:
        case ColumnType.INTEGER:
            return _decode_integer
        case ColumnType.REAL:
            return _decode_real
        case ColumnType.TEXT:
            return _decode_raw_text if raw else _decode_terminated_text
    return _decode_raw_blob if raw else _decode_terminated_blob


def _decode_integer(key: bytes, at: int) -> tuple[Value, int]:
    return _WORD.unpack_from(key, at)[0] - SIGN, at + 8


def _decode_real(key: bytes, at: int) -> tuple[Value, int]:
    negated: float = _DOUBLE.unpack_from(key, at)[0]
    if negated < 0.0:
        return -negated, at + 8
    return double_of_word(_WORD.unpack_from(key, at)[0]), at + 8


def _decode_raw_text(key: bytes, at: int) -> tuple[Value, int]:
    return key[at:].decode(), len(key)


def _decode_raw_blob(key: bytes, at: int) -> tuple[Value, int]:
    return key[at:], len(key)


def _decode_terminated_text(key: bytes, at: int) -> tuple[Value, int]:
    content, after = _decode_terminated_blob(key, at)
    return content.decode(), after


def _decode_terminated_blob(key: bytes, at: int) -> tuple[bytes, int]:
    # Within the content 00 is always followed by FF, so the first 00 01 is the end.
    end = key.find(TERMINATOR, at)
    if end < 0:
        raise ValueError("a part of the key has no end")
    content = key[at:end]
    if b"\x00" in content:
        if content.count(b"\x00") != content.count(ESCAPED_ZERO):
            raise ValueError("a zero byte in the key is not escaped")
        content = content.replace(ESCAPED_ZERO, b"\x00")
    return content, end + 2


def _any_decoder(raw: bool, nullable: bool) -> Decoder:
    text = _typed_decoder(ColumnType.TEXT, raw)
    blob = _typed_decoder(ColumnType.BLOB, raw)

    def decode(key: bytes, at: int) -> tuple[Value, int]:
        tag = key[at]
        if tag == TEXT_TAG:
            return text(key, at + 1)
        if tag == NUMBER_TAG:
            return _decode_number(key, at + 1)
        if tag == BLOB_TAG:
            return blob(key, at + 1)
        if tag == NULL_TAG and nullable:
            return None, at + 1
        raise ValueError(f"tag {tag:#04x} is none of a key")

    return decode


def _decode_number(key: bytes, at: int) -> tuple[Value, int]:
    negated: float = _DOUBLE.unpack_from(key, at)[0]
    if -EXACT < negated < 0.0:  # the short way of most keys
        value = -negated
        return int(value) if value.is_integer() else value, at + 8
    below = double_of_word(_WORD.unpack_from(key, at)[0])
    if -EXACT < below < EXACT:
        return join_number(below, 0), at + 8
    return join_number(below, _RESIDUAL.unpack_from(key, at + 8)[0]), at + 10


def _nullable_decoder(decode: Decoder) -> Decoder:
    def decode_nullable(key: bytes, at: int) -> tuple[Value, int]:
        mark = key[at]
        if mark == VALUE_MARK:
            return decode(key, at + 1)
        if mark != NULL_MARK:
            raise ValueError(f"mark {mark:#04x} is none of a nullable part of a key")
        return None, at + 1

    return decode_nullable


def _descending_decoder(decode: Decoder) -> Decoder:
    def decode_descending(key: bytes, at: int) -> tuple[Value, int]:
        value, length = decode(key[at:].translate(INVERTED), 0)
        return value, at + length

    return decode_descending
