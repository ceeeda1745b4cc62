"""
Puts a compiled policy in force: an object named by its digest, then a pointer that is switched as a whole.

The last rename is the commit: whoever reads meanwhile finds the old policy or the new one, never half of either.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from pathlib import Path

from armorer_guard._core import policy_table
from armorer_guard.policy import canonical
from armorer_guard.policy.compiler import CompiledPolicy

FORMAT = "armorer-active/1"


def pointer_path(home: Path) -> Path:
    """Where the pointer to the active policy lies."""
    return home / "policy" / "active.json"


def object_path(home: Path, digest: str) -> Path:
    """
    Where an object of the store lies.

    Raises:
        ValueError: *digest* is not `sha256:` and 64 hexadecimal digits.
    """
    name = digest.removeprefix("sha256:")
    if digest == name or len(name) != 64 or set(name) - set("0123456789abcdef"):
        raise ValueError(f"`{digest}` is not `sha256:` and 64 hexadecimal digits")
    return home / "store" / "objects" / name[:2] / name


def activate(policy: CompiledPolicy, home: Path) -> str:
    """
    Put a policy in force for every guard below *home*.

    Returns:
        Its digest.

    Raises:
        OSError: It could not be written; the policy in force is then what it was.
    """
    text = policy.text
    digest = canonical.digest(text)
    target = object_path(home, digest)
    if not target.exists() or target.read_bytes() != text:
        write_whole(target, text)
    # The core loads its own build's table in a fraction of the time, and the text where it finds none of its own.
    form, table = policy_table(text)
    table_digest = canonical.digest(table)
    write_whole(object_path(home, table_digest), table)
    pointer = {"digest": digest, "format": FORMAT, "table": {"digest": table_digest, "form": form}}
    write_whole(pointer_path(home), json.dumps(pointer).encode() + b"\n")
    return digest


def deactivate(home: Path) -> bool:
    """
    Take the active policy back, so that the built-in one decides.

    Returns:
        Whether there was one.
    """
    try:
        pointer_path(home).unlink()
    except FileNotFoundError:
        return False
    return True


def active_digest(home: Path) -> str | None:
    """
    The digest of the active policy; None when none is.

    Raises:
        ValueError: The pointer is broken.
    """
    try:
        pointer = json.loads(pointer_path(home).read_bytes())
    except FileNotFoundError:
        return None
    if not isinstance(pointer, dict) or pointer.get("format") != FORMAT or not isinstance(pointer.get("digest"), str):
        raise ValueError(f"`{pointer_path(home)}` does not name a policy")
    return str(pointer["digest"])


def load(home: Path, digest: str) -> dict[str, object] | None:
    """
    A compiled policy that was kept, or None.

    Raises:
        ValueError: It is damaged.
    """
    try:
        raw = object_path(home, digest).read_bytes()
    except FileNotFoundError:
        return None
    if canonical.digest(raw) != digest:
        raise ValueError(f"`{object_path(home, digest)}` is damaged: its digest is `{canonical.digest(raw)}`")
    found: dict[str, object] = json.loads(raw)
    return found


def write_whole(path: Path, raw: bytes) -> None:
    """Write beside, make it durable, rename over."""
    for folder in (*reversed(path.parents), path):
        if folder != path and not folder.exists():
            folder.mkdir(mode=0o700, exist_ok=True)
    beside = path.with_name(f"{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise
    folder_descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder_descriptor)
    finally:
        os.close(folder_descriptor)
