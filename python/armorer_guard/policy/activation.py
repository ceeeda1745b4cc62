"""
Puts a compiled policy in force: an object named by its digest, a record in the journal, then a pointer that is switched
as a whole.

The last rename is the commit: whoever reads meanwhile finds the old policy or the new one, never half of either.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from armorer_guard._core import builtin_policy, policy_table, record_change
from armorer_guard.policy import canonical
from armorer_guard.policy.compiler import CompiledPolicy, Layer

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


def activate(policy: CompiledPolicy, home: Path, layers: Sequence[Layer] = ()) -> str:
    """
    Put a policy in force for every guard below *home*, and say so in the journal.

    Args:
        policy: The policy.
        home: Where the guard keeps its state.
        layers: The files it was made from, for the record.

    Returns:
        Its digest.

    Raises:
        OSError: It could not be written; the policy in force is then what it was.
        StoreError: It could not be recorded; likewise.
    """
    said = {
        "digest": policy.digest,
        "id": policy.document["id"],
        "previous": previous_digest(home),
        "rules": len(policy.rules),
        "layers": [
            {"layer": layer.name, "file": layer.source.file, "digest": layer.source.digest or None} for layer in layers
        ],
    }
    return _switch(policy.text, home, "policy.activate", {"policy": said})


def change_mode(mode: str, home: Path, document: Mapping[str, Any], reason: str | None = None) -> str:
    """
    Put the same policy in force with another mode, and say so in the journal.

    Args:
        mode: `enforce` or `observe`.
        home: Where the guard keeps its state.
        document: The compiled policy that is in force.
        reason: Why, for the record.

    Returns:
        Digest of the policy that is in force then.

    Raises:
        OSError: It could not be written; the policy in force is then what it was.
        StoreError: It could not be recorded; likewise.
    """
    changed = CompiledPolicy({**{name: held for name, held in document.items() if name != "mode_layer"}, "mode": mode})
    said = {"mode": mode, "previous": document["mode"], "policy": changed.digest, "reason": reason}
    return _switch(changed.text, home, "mode.change", said)


def _switch(text: bytes, home: Path, kind: Literal["policy.activate", "mode.change"], said: dict[str, Any]) -> str:
    """
    Keep the objects, record, switch the pointer: so no policy ever decides that the journal does not name.
    """
    digest = canonical.digest(text)
    target = object_path(home, digest)
    if not target.exists() or target.read_bytes() != text:
        write_whole(target, text)
    # The core loads its own build's table in a fraction of the time, and the text where it finds none of its own.
    form, table = policy_table(text)
    table_digest = canonical.digest(table)
    write_whole(object_path(home, table_digest), table)
    own_build = {"crc32": zlib.crc32(table), "digest": table_digest, "form": form}
    pointer = {"digest": digest, "format": FORMAT, "table": own_build}
    record_change(home, kind, said)
    try:
        write_whole(pointer_path(home), json.dumps(pointer).encode() + b"\n")
    except OSError as error:
        record_change(home, "note", {"note": f"the policy {digest} was not put in force: {error.strerror}"})
        raise
    return digest


def previous_digest(home: Path) -> str:
    """The digest of the policy in force; empty when the pointer is broken."""
    try:
        return active_digest(home) or _default_digest()
    except ValueError:
        return ""


def _default_digest() -> str:
    return canonical.digest(builtin_policy("default"))


def deactivate(home: Path) -> bool:
    """
    Take the active policy back, so that the built-in one decides, and say so in the journal.

    Returns:
        Whether there was one.

    Raises:
        OSError: The pointer could not be removed.
        StoreError: It could not be recorded; the policy in force is then what it was.
    """
    if not pointer_path(home).exists():
        return False
    said = {"digest": _default_digest(), "id": "armorer-guard/default", "previous": previous_digest(home), "layers": []}
    record_change(home, "policy.activate", {"policy": said})
    pointer_path(home).unlink(missing_ok=True)
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
