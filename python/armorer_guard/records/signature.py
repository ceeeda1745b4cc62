"""
Signed notes (C2SP signed-note) and Ed25519 (RFC 8032, section 5.1.7), checked in plain Python.

Only verification, so nothing here is secret and nothing needs to run in constant time. One signature takes a few
milliseconds. The writer signs with another implementation, in another language.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Final

_P: Final = 2**255 - 19
_ORDER: Final = 2**252 + 27742317777372353535851937790883648493
_D: Final = -121665 * pow(121666, -1, _P) % _P
_ROOT_OF_MINUS_ONE: Final = pow(2, (_P - 1) // 4, _P)
_ED25519: Final = 1

_Point = tuple[int, int, int, int]
"""Extended coordinates X, Y, Z, T with x = X/Z, y = Y/Z, xy = T/Z."""


def _add(p: _Point, q: _Point) -> _Point:
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % _P, (p[1] + p[0]) * (q[1] + q[0]) % _P
    c, d = 2 * p[3] * q[3] * _D % _P, 2 * p[2] * q[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(scalar: int, point: _Point) -> _Point:
    found: _Point = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            found = _add(found, point)
        point, scalar = _add(point, point), scalar >> 1
    return found


def _equal(p: _Point, q: _Point) -> bool:
    return (p[0] * q[2] - q[0] * p[2]) % _P == 0 and (p[1] * q[2] - q[1] * p[2]) % _P == 0


def _point(data: bytes) -> _Point | None:
    """The point that 32 bytes stand for; None when they stand for none."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    if y >= _P:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _ROOT_OF_MINUS_ONE % _P
    if (x * x - square) % _P or (x == 0 and sign):
        return None
    x = _P - x if x & 1 != sign else x
    return x, y, 1, x * y % _P


_BASE: Final = _point((4 * pow(5, -1, _P) % _P).to_bytes(32, "little"))


def verify_ed25519(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether a signature (64 bytes) of a message was made with the key whose public half (32 bytes) this is."""
    if len(public) != 32 or len(signature) != 64:
        return False
    key, point = _point(public), _point(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if key is None or point is None or _BASE is None or scalar >= _ORDER:
        return False
    digest = hashlib.sha512(signature[:32] + public + message).digest()
    challenge = int.from_bytes(digest, "little") % _ORDER
    return _equal(_times(scalar, _BASE), _add(point, _times(challenge, key)))


@dataclass(frozen=True)
class Key:
    """A verifier key: its name, the eight digits that tell it apart, and 32 bytes."""

    name: str
    id: str
    public: bytes

    @classmethod
    def parse(cls, text: str) -> Key | None:
        """The key in a C2SP verifier key (`name+digits+base64`); None when it is none, or not an Ed25519 key."""
        name, _, rest = text.strip().partition("+")
        digits, _, encoded = rest.partition("+")
        data = _decode(encoded)
        if data is None or len(data) != 33 or data[0] != _ED25519 or not name:
            return None
        expected = hashlib.sha256(name.encode() + b"\n" + data).hexdigest()[:8]
        return cls(name, digits, data[1:]) if digits == expected else None


@dataclass(frozen=True)
class Note:
    """A text, and who signed it: key name, key id and signature of each line."""

    text: str
    signatures: tuple[tuple[str, str, bytes], ...]

    @classmethod
    def parse(cls, note: str) -> Note | None:
        """The note; None when it is none."""
        text, blank, tail = note.rpartition("\n\n")
        if not blank or not tail.endswith("\n"):
            return None
        found = []
        for line in tail.splitlines():
            dash, _, rest = line.partition(" ")
            name, _, encoded = rest.partition(" ")
            data = _decode(encoded)
            if dash != "\u2014" or not name or data is None or len(data) < 5:
                return None
            found.append((name, data[:4].hex(), data[4:]))
        return cls(text + "\n", tuple(found))

    def signed_by(self, key: Key) -> bool:
        """Whether this key signed it."""
        return any(
            (name, digits) == (key.name, key.id)
            and verify_ed25519(key.public, self.text.encode("utf-8", "surrogatepass"), signature)
            for name, digits, signature in self.signatures
        )


@dataclass(frozen=True)
class CheckpointText:
    """What a C2SP tlog-checkpoint states: of which log, how many leaves, which root."""

    origin: str
    size: int
    root: bytes

    @classmethod
    def parse(cls, text: str) -> CheckpointText | None:
        """The checkpoint in the text of a note; None when it is none."""
        lines = text.split("\n")
        if len(lines) < 4 or not lines[1].isascii() or not lines[1].isdecimal() or len(lines[1]) > 18:
            return None
        root = _decode(lines[2])
        if root is None or len(root) != 32 or not lines[0]:
            return None
        return cls(lines[0], int(lines[1]), root)


def _decode(encoded: str) -> bytes | None:
    """The bytes, when they are written the one way there is: bits that mean nothing could be changed unseen."""
    try:
        data = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if base64.b64encode(data).decode() == encoded else None
