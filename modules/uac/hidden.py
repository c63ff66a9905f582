"""Two URIs as one word that only those can read, and make, who have the secret."""
from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode

SEAL = 9  # bytes
LONGEST = 4096  # characters of a word that is looked at


class Hidden:
    """Hides pairs of texts with a *secret*: encrypted, and sealed, as they pass through the hands of strangers.

    The seal, a keyed hash of the pair, also chooses the key stream: equal pairs look equal, all others differ whole.
    """

    def __init__(self, secret: bytes) -> None:
        self.seal_key, self.text_key = (hashlib.blake2b(secret, digest_size=32, person=purpose).digest()
                                        for purpose in (b"uac seal", b"uac text"))

    def hide(self, first: str, second: str) -> str:
        """One word for two texts, of letters, digits, - and _."""
        plain = f"{first}\0{second}".encode("utf-8", "surrogateescape")
        seal = self.seal(plain)
        return urlsafe_b64encode(seal + self.mix(seal, plain)).decode("ascii").rstrip("=")

    def show(self, word: str) -> tuple[str, str] | None:
        """The two texts; None for a word that hide() has not made with this secret."""
        if len(word) > LONGEST or not word.isascii():
            return None
        try:
            data = urlsafe_b64decode(word + "=" * (-len(word) % 4))
        except ValueError:
            return None
        seal, plain = data[:SEAL], self.mix(data[:SEAL], data[SEAL:])
        if not hmac.compare_digest(seal, self.seal(plain)):
            return None
        first, _, second = plain.decode("utf-8", "surrogateescape").partition("\0")
        return first, second

    def seal(self, plain: bytes) -> bytes:
        """What shows that the pair is ours."""
        return hashlib.blake2b(plain, key=self.seal_key, digest_size=SEAL).digest()

    def mix(self, seal: bytes, text: bytes) -> bytes:
        """*text* with the key stream that *seal* chooses put over it; done twice, the text again."""
        stream = hashlib.shake_256(self.text_key + seal).digest(len(text))
        return bytes(one ^ other for one, other in zip(text, stream, strict=True))
