"""Texts as one word that only those can read, and make, who have the secret."""
from __future__ import annotations

import hashlib
import hmac
from base64 import b32decode, b32encode, urlsafe_b64decode, urlsafe_b64encode

SEAL = 9  # bytes
LONGEST = 4096  # characters of a word that is looked at


class Hidden:
    """Hides texts with a *secret*: encrypted, and sealed, as they pass through the hands of strangers.

    The seal, a keyed hash of the texts, also chooses the key stream: equal texts look equal, all others differ whole.
    Words of one *purpose* mean nothing to another. With *any_case* words survive whoever changes capital letters into
    small ones; they are longer.
    """

    def __init__(self, secret: bytes, purpose: str, *, any_case: bool = False) -> None:
        self.seal_key, self.text_key = (
            hashlib.blake2b(secret, digest_size=32, person=f"{purpose} {part}".encode()).digest()
            for part in ("seal", "text"))
        self.any_case = any_case

    def hide(self, *texts: str) -> str:
        """One word for these texts, of letters, digits, - and _; with *any_case* of small letters and digits."""
        plain = "\0".join(texts).encode("utf-8", "surrogateescape")
        seal = self.seal(plain)
        data = seal + self.mix(seal, plain)
        if self.any_case:
            return b32encode(data).decode("ascii").rstrip("=").lower()
        return urlsafe_b64encode(data).decode("ascii").rstrip("=")

    def show(self, word: str) -> tuple[str, ...] | None:
        """The texts; None for a word that hide() has not made with this secret."""
        if len(word) > LONGEST or not word.isascii():
            return None
        try:
            data = self.decoded(word)
        except ValueError:
            return None
        seal, plain = data[:SEAL], self.mix(data[:SEAL], data[SEAL:])
        if not hmac.compare_digest(seal, self.seal(plain)):
            return None
        return tuple(plain.decode("utf-8", "surrogateescape").split("\0"))

    def decoded(self, word: str) -> bytes:
        """The bytes that a word stands for; ValueError where it is none."""
        if self.any_case:
            return b32decode(word.upper() + "=" * (-len(word) % 8))
        return urlsafe_b64decode(word + "=" * (-len(word) % 4))

    def seal(self, plain: bytes) -> bytes:
        """What shows that the texts are ours."""
        return hashlib.blake2b(plain, key=self.seal_key, digest_size=SEAL).digest()

    def mix(self, seal: bytes, text: bytes) -> bytes:
        """*text* with the key stream that *seal* chooses put over it; done twice, the text again."""
        stream = hashlib.shake_256(self.text_key + seal).digest(len(text))
        return (int.from_bytes(text, "big") ^ int.from_bytes(stream, "big")).to_bytes(len(text), "big")
