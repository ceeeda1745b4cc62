"""Canonical bytes (RFC 8785) of compiled policies: strings, whole numbers, booleans, lists and objects only."""

from __future__ import annotations

import hashlib
import json
from typing import Any

_SAFE = 2**53 - 1


def canonical(value: Any) -> bytes:
    """
    The canonical bytes of a compiled policy.

    Raises:
        TypeError: The value holds something that no compiled policy holds.
    """
    return _write(value).encode("utf-8")


def digest(raw: bytes) -> str:
    """`sha256:` and the hexadecimal digest of *raw*."""
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"


def _write(value: Any) -> str:
    if isinstance(value, (str, bool)):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int):
        if abs(value) > _SAFE:
            raise TypeError(f"{value} is beyond what JSON numbers hold exactly")
        return str(value)
    if isinstance(value, (list, tuple)):
        return f"[{','.join(_write(item) for item in value)}]"
    if isinstance(value, dict):
        # RFC 8785 sorts by UTF-16 code units, which differs from code points beyond the basic plane.
        names = sorted(value, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
        return "{" + ",".join(f"{_write(name)}:{_write(value[name])}" for name in names) + "}"
    raise TypeError(f"a compiled policy holds no `{type(value).__name__}`")
