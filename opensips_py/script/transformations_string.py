"""Transformations of texts: {s.…}. Lengths and positions count bytes, as everywhere in SIP."""
from __future__ import annotations

import binascii
import hashlib
import hmac
import string
from calendar import timegm
from collections.abc import Callable
from email.utils import parsedate

from opensips_py.module.marks import transformation

UNRESERVED = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.!~*'()")
USER = UNRESERVED | frozenset(b"&=+$,;?/")  # RFC 3261, 25.1: user-unreserved
PARAM = UNRESERVED | frozenset(b"[]/:&+$")  # param-unreserved
COMMON = {"'": "\\'", '"': '\\"', "\\": "\\\\", "\0": "\\0"}
BLANKS = " \t\r\n"


def raw(text: str) -> bytes:
    """The bytes of a text."""
    return text.encode("utf-8", "surrogateescape")


def text_of(data: bytes) -> str:
    """Bytes as a text."""
    return data.decode("utf-8", "surrogateescape")


def escaped(text: str, allowed: frozenset[int]) -> str:
    """*text* with every byte outside *allowed* as %XX."""
    return "".join(chr(byte) if byte in allowed else f"%{byte:02x}" for byte in raw(text))


def unescaped(text: str) -> str | None:
    """*text* with its %XX resolved; None where one is broken."""
    if "%" not in text:
        return text
    first, *rest = raw(text).split(b"%")
    try:
        return text_of(first + b"".join(bytes([int(part[:2], 16)]) + part[2:] for part in rest if part[:2].isalnum()
                                        or fail(part)))
    except ValueError:
        return None


def fail(part: bytes) -> bool:
    """Give up on an escape that is none."""
    raise ValueError(part)


class StringTransformations:
    """The class s of transformations."""

    @transformation("s.len")
    def s_len(self, text: str) -> int:
        """Length in bytes."""
        return len(text) if text.isascii() else len(raw(text))

    @transformation("s.int")
    def s_int(self, text: str) -> int:
        """The number that the text begins with, 0 where it begins with none."""
        return leading_number(text)

    @transformation("s.substr")
    def s_substr(self, text: str, offset: int, length: int) -> str | None:
        """The *length* bytes from *offset* on; a negative offset counts from the end, a length of 0 means all, a
        negative one leaves that many off the end. NULL where nothing is left."""
        if text.isascii():
            return part(text, offset, length)
        found = part(raw(text).decode("latin-1"), offset, length)
        return None if found is None else text_of(found.encode("latin-1"))

    @transformation("s.select")
    def s_select(self, text: str, index: int, separator: str) -> str | None:
        """The field at *index* between separators; negative ones count from the end."""
        fields = text.split(separator[0]) if separator else [text]
        return fields[index] if -len(fields) <= index < len(fields) else None

    @transformation("s.index")
    def s_index(self, text: str, wanted: str, start: int = 0) -> int | None:
        """Where *wanted* first occurs at or after *start*; NULL where it does not."""
        size = len(raw(text))
        found = raw(text).find(raw(wanted), start % size if -size <= start < 0 else start)
        return None if found < 0 else found

    @transformation("s.rindex")
    def s_rindex(self, text: str, wanted: str, start: int | None = None) -> int | None:
        """Where *wanted* last occurs, beginning at or before *start*; NULL where it does not."""
        data, needle = raw(text), raw(wanted)
        end = len(data) if start is None or not data else start % len(data) + len(needle)
        found = data.rfind(needle, 0, end)
        return None if found < 0 else found

    @transformation("s.fill.left")
    def s_fill_left(self, text: str, token: str, length: int) -> str | None:
        """Filled up with *token* on the left to *length*."""
        missing = length - self.s_len(text)
        return text if missing <= 0 or not token else (token * missing)[-missing:] + text

    @transformation("s.fill.right")
    def s_fill_right(self, text: str, token: str, length: int) -> str | None:
        """Filled up with *token* on the right to *length*."""
        missing = length - self.s_len(text)
        return text if missing <= 0 or not token else text + (token * missing)[:missing]

    @transformation("s.width")
    def s_width(self, text: str, length: int) -> str | None:
        """Cut or filled with blanks on the right to *length*."""
        return text_of(raw(text)[:max(0, length)].ljust(length))

    @transformation("s.tolower")
    def s_tolower(self, text: str) -> str:
        """In lower case letters."""
        return text.lower() if text.isascii() else text_of(raw(text).lower())

    @transformation("s.toupper")
    def s_toupper(self, text: str) -> str:
        """In upper case letters."""
        return text.upper() if text.isascii() else text_of(raw(text).upper())

    @transformation("s.reverse")
    def s_reverse(self, text: str) -> str:
        """From the last byte to the first."""
        return text[::-1] if text.isascii() else text_of(raw(text)[::-1])

    @transformation("s.trim")
    def s_trim(self, text: str) -> str:
        """Without blanks and line ends at both sides."""
        return text.strip(BLANKS)

    @transformation("s.triml")
    def s_triml(self, text: str) -> str:
        """Without blanks and line ends at the start."""
        return text.lstrip(BLANKS)

    @transformation("s.trimr")
    def s_trimr(self, text: str) -> str:
        """Without blanks and line ends at the end."""
        return text.rstrip(BLANKS)

    # Numbers and encodings

    @transformation("s.dec2hex")
    def s_dec2hex(self, text: str) -> str | None:
        """A decimal number in hexadecimal digits."""
        try:
            return f"{int(text) & 0xFFFFFFFF:x}"
        except ValueError:
            return None

    @transformation("s.hex2dec")
    def s_hex2dec(self, text: str) -> int | None:
        """A number of hexadecimal digits in decimal ones."""
        return int(text, 16) if text and not text.strip(string.hexdigits) else None

    @transformation("s.encode.hexa")
    def s_encode_hexa(self, text: str) -> str:
        """Every byte as two hexadecimal digits."""
        return raw(text).hex()

    @transformation("s.decode.hexa")
    def s_decode_hexa(self, text: str) -> str | None:
        """The bytes that pairs of hexadecimal digits stand for."""
        try:
            return text_of(bytes.fromhex(text))
        except ValueError:
            return None

    @transformation("s.b64encode")
    def s_b64encode(self, text: str) -> str:
        """In Base64."""
        return binascii.b2a_base64(raw(text), newline=False).decode()

    @transformation("s.b64decode")
    def s_b64decode(self, text: str) -> str | None:
        """What a text in Base64 stands for."""
        try:
            return text_of(binascii.a2b_base64(raw(text) + b"=" * (-len(text) % 4)))
        except binascii.Error:
            return None

    @transformation("s.xor")
    def s_xor(self, text: str, secret: str) -> str | None:
        """Every byte combined with one of *secret*, over and over, by exclusive or."""
        key = raw(secret)
        return text_of(bytes(byte ^ key[at % len(key)] for at, byte in enumerate(raw(text)))) if key else None

    # Escapes

    @transformation("s.escape.common")
    def s_escape_common(self, text: str) -> str:
        """With a backslash before quotes and backslashes."""
        return "".join(COMMON.get(character, character) for character in text)

    @transformation("s.unescape.common")
    def s_unescape_common(self, text: str) -> str:
        """With the backslashes of {s.escape.common} taken away."""
        pieces = text.split("\\\\")
        return "\\".join(each.replace("\\'", "'").replace('\\"', '"').replace("\\0", "\0") for each in pieces)

    @transformation("s.escape.user")
    def s_escape_user(self, text: str) -> str:
        """With %XX for what the user part of a SIP URI may not hold."""
        return escaped(text, USER)

    @transformation("s.unescape.user")
    def s_unescape_user(self, text: str) -> str | None:
        """With %XX resolved."""
        return unescaped(text)

    @transformation("s.escape.param")
    def s_escape_param(self, text: str) -> str:
        """With %XX for what a parameter of a SIP URI may not hold."""
        return escaped(text, PARAM)

    @transformation("s.unescape.param")
    def s_unescape_param(self, text: str) -> str | None:
        """With %XX resolved."""
        return unescaped(text)

    # Hashes and dates

    @transformation("s.md5")
    def s_md5(self, text: str) -> str:
        """MD5 hash."""
        return hashlib.md5(raw(text), usedforsecurity=False).hexdigest()

    @transformation("s.crc32")
    def s_crc32(self, text: str) -> str:
        """CRC-32 checksum, without its final complement, in decimal digits."""
        return str(binascii.crc32(raw(text)) ^ 0xFFFFFFFF)

    @transformation("s.date2unix")
    def s_date2unix(self, text: str) -> int | None:
        """The value of a Date header in seconds since 1970."""
        found = parsedate(text)
        return None if found is None else timegm(found)


def part(text: str, offset: int, length: int) -> str | None:
    """{s.substr} of a text of one byte per character."""
    size = len(text)
    if offset < 0:
        offset += size
    if not 0 <= offset < size:
        return None
    end = size if length == 0 or offset + length > size else offset + length if length > 0 else size + length
    return text[offset:end] or None


def leading_number(text: str) -> int:
    """The number at the start of *text*, which a sign may begin and a blank may not."""
    sign = -1 if text.startswith("-") else 1
    digits = text[1:] if text[:1] in ("-", "+") else text
    end = 0
    while end < len(digits) and digits[end] in "0123456789":
        end += 1
    return sign * int(digits[:end]) if end else 0


def hashed(name: str) -> Callable[[object, str], str]:
    """The transformation {s.sha…}."""
    def change(self: object, text: str) -> str:
        return hashlib.new(name, raw(text)).hexdigest()
    change.__doc__ = f"{name.upper()} hash."
    return change


def keyed(name: str) -> Callable[[object, str, str], str]:
    """The transformation {s.sha…_hmac,key}."""
    def change(self: object, text: str, key: str) -> str:
        return hmac.new(raw(key), raw(text), name).hexdigest()
    change.__doc__ = f"{name.upper()} hash keyed with *key* (HMAC)."
    return change


for _name in ("sha1", "sha224", "sha256", "sha384", "sha512"):
    setattr(StringTransformations, f"s_{_name}", transformation(f"s.{_name}")(hashed(_name)))
    setattr(StringTransformations, f"s_{_name}_hmac", transformation(f"s.{_name}_hmac")(keyed(_name)))
del _name
