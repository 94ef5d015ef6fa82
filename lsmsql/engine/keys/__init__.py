"""Order-preserving keys: tuples of values as bytes that sort with ``memcmp`` as SQLite sorts them.

The order is NULL, then numbers by value (INTEGER and REAL compared exactly), then TEXT by its UTF-8
bytes, then BLOB. A key is its parts end to end, each in the form that its declared type needs:

    INTEGER      word                   8 bytes big-endian, sign bit flipped
    REAL         word                   8 bytes big-endian, see below
    TEXT, BLOB   bytes                  in last position
                 escaped 00 01          elsewhere; a 00 within the bytes is escaped as 00 FF
    nullable     01                     NULL
                 02 form                any other value of a nullable INTEGER, REAL, TEXT, BLOB
    ANY          10                     NULL
                 20 word [residual]     a number
                 30 text                as TEXT above
                 40 blob                as BLOB above
    descending   form, every byte inverted; TEXT and BLOB are terminated even in last position

The word of a double is its IEEE 754 bits with the sign bit flipped, or all bits inverted if it is
negative; -0.0 is written as 0.0. The word of an ANY number is that of the greatest double not above
it. From a magnitude of 2**53 on, doubles are further apart than integers: then, and only then, two
bytes (big-endian) follow with what the integer has more than the double, 0 to 1023.

So 1 and 1.0 give the same key; the real mask (see ``schema``) tells which of them was written.
"""

from lsmsql.engine.keys.codec import KeyCodec as KeyCodec
from lsmsql.engine.keys.codec import successor as successor
from lsmsql.engine.keys.parts import KeyPart as KeyPart
from lsmsql.engine.keys.parts import key_parts as key_parts
from lsmsql.engine.keys.parts import parse_part as parse_part
