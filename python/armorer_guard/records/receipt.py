"""
Receipts: one decision or one run in a small file, with everything a stranger needs to check it.

`verify_receipt` needs no store and nothing of the writer. `make_receipt` reads a store; what it needs and does not find
(a seal, a checkpoint that covers it) is for the writer to make first.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from armorer_guard.records.files import JOURNAL, MAX_LINE, SEAL_LEN, members
from armorer_guard.records.merkle import proof, root_by_proof, root_of
from armorer_guard.records.signature import CheckpointText, Key, Note
from armorer_guard.records.verify_chain import record_hash

if TYPE_CHECKING:
    from armorer_guard.records.store import Store

VERSION: Final = "armorer-receipt/1"
MAX_RECEIPT: Final = 64 << 20
"""Bytes of the longest receipt that is read."""


class ReceiptError(Exception):
    """A receipt cannot be made, or does not hold; the message is for people."""


class NotSealed(ReceiptError):
    """The journal does not state the log as far as the record, or no checkpoint covers that."""


@dataclass(frozen=True)
class Checked:
    """A receipt that holds: what it vouches for."""

    store: str
    run: str
    records: tuple[dict[str, Any], ...]
    """The records, in the order of the run."""
    whole: bool
    """Whether these are all records of the run up to its seal."""
    count: int
    """Records of the run, as sealed."""
    key: Key
    """The key that signed: whether it is the right one, the receiver must know."""
    objects: frozenset[str]


def _hash(line: bytes) -> bytes:
    """The 32 bytes of the hash that a line states."""
    return bytes.fromhex(line[-66:-2].decode("ascii"))


def make_receipt(store: Store, run: str, record: str | None = None) -> dict[str, Any]:
    """
    The receipt of one record of a run, or of the whole run.

    Raises:
        NotSealed: The writer has to state the run's length and sign the journal first.
        ReceiptError: There is no such record, or its payload was erased.
        OSError: The store cannot be read.
    """
    lines = [stored.line for stored in store.lines(run)]
    ids = [str((members(line) or {}).get("id")) for line in lines] if record is not None else []
    if record is not None and record not in ids:
        raise ReceiptError(f"there is no record `{record}` in run {run}")
    index = ids.index(record) if record is not None else None
    journal = [stored.line for stored in store.lines(JOURNAL)]
    seal_at, seal = _seal(journal, run, index)
    count = seal["count"]
    if count > len(lines):
        raise ReceiptError(f"run {run} was cut: the journal states {count} records, {len(lines)} are there")
    hashes = [_hash(line) for line in lines[:count]]
    if "sha256:" + root_of(hashes).hex() != seal["root"]:
        raise ReceiptError(f"run {run} is not what the journal states; `armorer-guard records verify` says more")
    chosen = range(count) if index is None else (index,)
    if any((members(lines[at]) or {}).get("forgotten") for at in chosen):
        raise ReceiptError(f"the payload of run {run} was erased")
    note, public, size = _checkpoint(journal, seal_at)
    whole = index is None
    return {
        "receipt": VERSION,
        "store": store.id,
        "run": run,
        "records": [
            {
                "index": at,
                "line": lines[at].decode("utf-8"),
                "proof": None if whole else [step.hex() for step in proof(hashes, at)],
            }
            for at in chosen
        ],
        "seal": {
            "index": seal_at,
            "line": journal[seal_at].decode("utf-8"),
            "proof": [step.hex() for step in proof([_hash(line) for line in journal[:size]], seal_at)],
        },
        "checkpoint": note,
        "keys": [public],
        "objects": _objects(store, [lines[at] for at in chosen]),
    }


def _seal(journal: list[bytes], run: str, index: int | None) -> tuple[int, dict[str, Any]]:
    """The latest line of the journal that states the root of the run, at least as far as that record."""
    for at in range(len(journal) - 1, -1, -1):
        found = members(journal[at]) if run.encode() in journal[at] else None
        seal = found.get("seal") if found and found.get("run") == run else None
        if isinstance(seal, dict) and seal.get("root") and isinstance(seal.get("count"), int):
            if index is not None and seal["count"] <= index:
                break
            return at, seal
    raise NotSealed(f"the journal does not state the log of run {run} so far")


def _checkpoint(journal: list[bytes], seal_at: int) -> tuple[str, str, int]:
    """The first checkpoint that covers a line of the journal, and the key that signed it."""
    keys: dict[str, str] = {}
    for line in journal:
        found = members(line) if b'"kind":"key.rotate"' in line or b'"kind":"checkpoint"' in line else None
        if found is None:
            continue
        if isinstance(key := found.get("key"), dict):
            keys[str(key.get("id"))] = str(key.get("public"))
        stated = found.get("checkpoint")
        if isinstance(stated, dict) and isinstance(size := stated.get("size"), int) and size > seal_at:
            return str(stated.get("note")), keys.get(str(stated.get("key")), ""), size
    raise NotSealed("no checkpoint covers the seal of the run")


def _objects(store: Store, lines: Iterable[bytes]) -> dict[str, str]:
    """What the records name: policies, and members that were moved out of the lines."""
    found: dict[str, str] = {}
    for line in lines:
        record = members(line) or {}
        policy = record.get("policy")
        names = {str(policy.get("digest"))} if isinstance(policy, dict) else set()
        names |= {line[at + 8 : at + 79].decode("ascii", "replace") for at in _blobs(line)}
        while names:
            name = names.pop()
            content = None if name in found else store.object(name)
            if content is not None:
                found[name] = base64.b64encode(content).decode("ascii")
                names |= {content[at + 8 : at + 79].decode("ascii", "replace") for at in _blobs(content)}
    return dict(sorted(found.items()))


def _blobs(line: bytes) -> Iterable[int]:
    """Where the names of objects stand that hold members."""
    needle, at = b'"$blob":"sha256:', -1
    while (at := line.find(needle, at + 1)) >= 0:
        yield at + 1


def verify_receipt(receipt: object, keys: Iterable[str] = ()) -> Checked:
    """
    Check a receipt by itself.

    Args:
        receipt: What its JSON says.
        keys: Public keys (C2SP verifier keys) of which one must have signed; without any, the receipt's own.

    Raises:
        ReceiptError: It does not hold; the message says why.
    """
    if not isinstance(receipt, dict) or receipt.get("receipt") != VERSION:
        raise ReceiptError(f"this is no receipt of the form `{VERSION}`")
    store, run = receipt.get("store"), receipt.get("run")
    if not isinstance(store, str) or not isinstance(run, str):
        raise ReceiptError("the receipt does not say whose records it holds")
    seal_index, seal_line, seal_path = _entry(receipt.get("seal"), "seal")
    sealed = _record(seal_line, "the seal")
    seal = sealed.get("seal")
    if sealed.get("store") != store or sealed.get("run") != run or not isinstance(seal, dict):
        raise ReceiptError("the seal is that of another run or store")
    key = _signer(receipt, list(keys))
    note = Note.parse(str(receipt.get("checkpoint")))
    text = CheckpointText.parse(note.text) if note else None
    if note is None or text is None or text.origin != f"armorer-guard/{store}":
        raise ReceiptError("the checkpoint is none of this store")
    if not any(note.signed_by(each) for each in key):
        raise ReceiptError("the checkpoint is not signed with that key")
    signer = next(each for each in key if note.signed_by(each))
    if root_by_proof(_hash(seal_line), seal_index, text.size, seal_path or []) != text.root:
        raise ReceiptError("the checkpoint does not cover the seal")
    records, whole = _records(receipt.get("records"), store, run, seal)
    return Checked(store, run, records, whole, seal["count"], signer, _checked_objects(receipt.get("objects")))


def _signer(receipt: dict[str, Any], trusted: list[str]) -> list[Key]:
    stated = trusted or receipt.get("keys")
    found = [key for text in (stated if isinstance(stated, list) else ()) if (key := Key.parse(str(text)))]
    if not found:
        raise ReceiptError("no key is there that could have signed")
    return found


def _records(entries: object, store: str, run: str, seal: dict[str, Any]) -> tuple[tuple[dict[str, Any], ...], bool]:
    count, root = seal.get("count"), seal.get("root")
    if not isinstance(entries, list) or not entries or not isinstance(count, int) or not isinstance(root, str):
        raise ReceiptError("the receipt holds no records, or its seal no root")
    parsed = [_entry(entry, "record") for entry in entries]
    found = []
    for index, line, path in parsed:
        record = _record(line, f"record {index}")
        if (record.get("store"), record.get("run"), record.get("seq")) != (store, run, index):
            raise ReceiptError(f"record {index} is one of another place")
        led = root_by_proof(_hash(line), index, count, path) if path is not None else None
        if path is not None and (led is None or "sha256:" + led.hex() != root):
            raise ReceiptError(f"record {index} is not one of those that were sealed")
        found.append(record)
    whole = all(path is None for *_, path in parsed)
    if whole and (
        [index for index, *_ in parsed] != list(range(count))
        or "sha256:" + root_of([_hash(line) for _, line, _ in parsed]).hex() != root
    ):
        raise ReceiptError("the records are not those that were sealed")
    if not whole and any(path is None for *_, path in parsed):
        raise ReceiptError("a record has no proof")
    return tuple(found), whole


def _entry(entry: object, what: str) -> tuple[int, bytes, list[bytes] | None]:
    """Index, line and proof."""
    if isinstance(entry, dict):
        index, line, path = entry.get("index"), entry.get("line"), entry.get("proof")
        if isinstance(index, int) and not isinstance(index, bool) and isinstance(line, str):
            try:
                steps = None if path is None else [bytes.fromhex(step) for step in path]
                data = line.encode("utf-8")
            except (TypeError, ValueError):
                steps, data = None, b""
            if SEAL_LEN < len(data) < MAX_LINE and (steps is None or all(len(step) == 32 for step in steps)):
                return index, data, steps
    raise ReceiptError(f"a {what} of the receipt cannot be read")


def _record(line: bytes, what: str) -> dict[str, Any]:
    """The members of a line whose bytes give the hash that it states."""
    found = members(line)
    prev = found.get("prev") if found else None
    if found is None or not isinstance(prev, str):
        raise ReceiptError(f"{what} is no record")
    stated = record_hash(prev.encode("utf-8", "replace"), line)
    if not line.endswith(b',"hash":"' + stated + b'"}'):
        raise ReceiptError(f"{what} was changed: its bytes do not give its hash")
    return found


def _checked_objects(objects: object) -> frozenset[str]:
    if not isinstance(objects, dict):
        raise ReceiptError("the receipt's objects cannot be read")
    for name, encoded in objects.items():
        try:
            content = base64.b64decode(encoded, validate=True)
        except (binascii.Error, TypeError, ValueError):
            content = b""
        if name != "sha256:" + hashlib.sha256(content).hexdigest():
            raise ReceiptError(f"the object {name} does not hold what its name says")
    return frozenset(objects)


def read_receipt(data: bytes) -> object:
    """
    What the bytes of a receipt say.

    Raises:
        ReceiptError: They are no JSON.
    """
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise ReceiptError("this is no receipt: it is no JSON") from None
