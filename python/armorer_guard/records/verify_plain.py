#!/usr/bin/env python3
"""
A verifier of armorer-guard stores in one small file, to show that the format is simple.

    python3 verify_plain.py ~/.local/state/armorer-guard/store [more stores]

It needs nothing but Python 3.10 and knows nothing but FORMAT.md. It reads every line as JSON, follows every chain and
holds runs and checkpoints against the journal; the exit code is 0 when all is well, 1 when something is wrong, 2 when a
store cannot be read. `armorer-guard records verify` is faster and tells the ways in which a store can be wrong apart.
"""

import base64
import hashlib
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

SEAL = re.compile(rb',"hash":"(sha256:[0-9a-f]{64})"\}\n\Z')
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
LONGEST_LINE = 64 * 1024
P, D = 2**255 - 19, -121665 * pow(121666, -1, 2**255 - 19)
Record = dict[str, Any]
Check = Callable[[Path], tuple[int, list[str]]]


def sha256(data: bytes) -> str:
    """A digest as records write it."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def root(records: list[Record]) -> bytes:
    """The Merkle root (RFC 6962) over record hashes."""
    level = [hashlib.sha256(b"\0" + bytes.fromhex(record["hash"][7:])).digest() for record in records]
    while len(level) > 1:
        pairs = [level[at : at + 2] for at in range(0, len(level), 2)]
        level = [hashlib.sha256(b"\1" + b"".join(pair)).digest() if len(pair) > 1 else pair[0] for pair in pairs]
    return level[0] if level else hashlib.sha256().digest()


def add(p: tuple[int, int], q: tuple[int, int]) -> tuple[int, int]:
    """The sum of two points of the curve (RFC 8032, section 5.1.4)."""
    t = D * p[0] * q[0] * p[1] * q[1]
    x, y = (p[0] * q[1] + q[0] * p[1]) * pow(1 + t, -1, P), (p[1] * q[1] + p[0] * q[0]) * pow(1 - t, -1, P)
    return x % P, y % P


def times(n: int, p: tuple[int, int]) -> tuple[int, int]:
    """A multiple of a point."""
    found = (0, 1)
    while n:
        found, p, n = add(found, p) if n & 1 else found, add(p, p), n >> 1
    return found


def point(data: bytes) -> tuple[int, int]:
    """The point that 32 bytes stand for."""
    y, sign = int.from_bytes(data, "little") & (1 << 255) - 1, data[31] >> 7
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if (x * x - square) % P == 0 else x * pow(2, (P - 1) // 4, P) % P
    if (x * x - square) % P or y >= P:
        raise ValueError("no point of the curve")
    return (x if x & 1 == sign else P - x), y


def signed(note: str, keys: list[str]) -> bool:
    """Whether one of these keys signed the note (C2SP signed-note, Ed25519)."""
    text, _, signature = note.rpartition("\n\n")
    data = base64.b64decode(signature.split()[2])
    for public in (base64.b64decode(key.split("+", 2)[2])[1:] for key in keys if data[:4].hex() in key.split("+")):
        r, s, message = data[4:36], int.from_bytes(data[36:], "little"), (text + "\n").encode()
        k = int.from_bytes(hashlib.sha512(r + public + message).digest(), "little")
        if times(s, point((4 * pow(5, -1, P) % P).to_bytes(32, "little"))) == add(point(r), times(k, point(public))):
            return True
    return False


def follow(path: Path, store: str, chain: str, erased: int = 0) -> tuple[list[Record], list[str]]:
    """The records of one log, the first of them erased, and what is wrong. A wrong log is followed no further."""
    records: list[Record] = []
    prev = sha256(f"armorer-genesis/1\n{store}\n{chain}".encode())
    with path.open("rb") as file:
        while line := file.readline(LONGEST_LINE + 1):
            where = f"{path}: line {len(records) + 1}"
            if not line.endswith(b"\n"):
                return records, [f"{where}: the last line is not finished, or longer than any record"]
            seal = SEAL.search(line)
            try:
                record = json.loads(line)
            except (ValueError, RecursionError):
                record = None
            if seal is None or not isinstance(record, dict):
                return records, [f"{where}: is no record"]
            stated = seal[1].decode()
            if record.get("prev") != prev:
                return records, [f"{where}: does not continue the record before"]
            if (
                len(records) >= erased
                and sha256(b"armorer-record/1\n" + prev.encode() + line[: seal.start()]) != stated
            ):
                return records, [f"{where}: its bytes do not give its hash"]
            expected = {"seq": len(records), "store": store, "hash": stated}
            if chain != "journal":
                expected["run"] = chain
            wrong = [name for name, value in expected.items() if record.get(name) != value]
            if wrong or str(record.get("v")).split(".")[0] != "1":
                return records, [f"{where}: `{(wrong or ['v'])[0]}` is not what it must be here"]
            records.append(record)
            prev = stated
    return records, []


def said(base: Path, name: str, records: list[Record]) -> list[str]:
    """What the writer has said to be wrong with a log, and objects that its records name and that are not there."""
    wrong = []
    for at, record in enumerate(records):
        for kind, reason in (("gap", "shortened"), ("recovery", "unreadable")):
            about = record.get(kind)
            if record.get("kind") == kind and isinstance(about, dict) and about.get("reason") == reason:
                wrong.append(f"{name}: record {at} says: {reason}")
        blobs = re.findall(r'"\$blob": "sha256:([0-9a-f]{64})"', json.dumps(record)) if record.get("blobs") else []
        for digest in blobs:
            if not (base / "objects" / digest[:2] / digest).is_file():
                wrong.append(f"{name}: record {at} names the object {digest}, which is not there")
    return wrong


def run_wrong(base: Path, run: str, records: list[Record], about: list[Record]) -> list[str]:
    """What is wrong with a run, by what the journal says about it."""
    first = records[0].get("id") if records else None
    pruned = max([at for at, record in enumerate(about) if record.get("kind") == "prune"], default=-1) + 1
    starts = [(at, record.get("first")) for at, record in enumerate(about) if record.get("kind") == "run.start"]
    since = [start for at, start in starts if at >= pruned]
    if not (since == [first] or (not since and pruned and first in [None, *(start for _, start in starts)])):
        return [f"{base}: run {run} does not begin as the journal says: {since}"]
    wrong = []
    for seal in [record["seal"] for record in about[pruned if since else 0 :] if record.get("seal") and records]:
        held = records[: seal["count"]]
        if len(held) < seal["count"] or held[-1]["hash"] != seal["head"]:
            wrong.append(f"{base}: run {run} does not hold the {seal['count']} records that the journal states")
        elif seal["root"] and seal["root"] != "sha256:" + root(held).hex():
            wrong.append(f"{base}: run {run} has another root than the journal states")
    return wrong


def verify(base: Path) -> tuple[int, list[str]]:
    """How many records a store holds, and everything that is wrong with it."""
    store = (base / "id").read_text(encoding="ascii").strip()
    paths = {path.stem: path for path in sorted((base / "runs").glob("*.jsonl")) if UUID.fullmatch(path.stem)}
    begun = {run for run, path in paths.items() if path.stat().st_size}
    path = base / "journal.jsonl"
    journal, wrong = follow(path, store, "journal") if begun or path.exists() else ([], [])
    wrong += said(base, "journal", journal)
    named: dict[str, list[Record]] = {}
    for record in journal:
        for run in [run["run"] for run in record.get("prune", {}).get("runs", [])] or [str(record.get("run"))]:
            named.setdefault(run, []).append(record)
    count = len(journal)
    for run in sorted(begun | named.keys() - {"journal"}):
        data = paths[run].read_bytes() if run in begun else b""
        forgotten = [record["forget"] for record in named.get(run, []) if record.get("kind") == "forget"]
        stubs = [f for f in forgotten if sha256(data[: f["stub"]["bytes"]]) == f["stub"]["digest"]]
        erased = stubs[-1]["seal"]["count"] if stubs else 0
        records, problems = follow(paths[run], store, run, erased) if data else ([], [])
        wrong += problems + said(base, run, records) + run_wrong(base, run, records, named.get(run, []))
        count += len(records)
    keys = [record["key"]["public"] for record in journal if record.get("kind") == "key.rotate"]
    for stated in [record["checkpoint"] for record in journal if record.get("checkpoint")]:
        _, size, top = stated["note"].split("\n")[:3]
        if base64.b64decode(top) != root(journal[: int(size)]) or not signed(stated["note"], keys):
            wrong.append(f"{base}: the checkpoint of {size} records is not one of this journal")
    for path in sorted((base / "objects").glob("??/*")):
        if re.fullmatch(r"[0-9a-f]{64}", path.name) and sha256(path.read_bytes()) != f"sha256:{path.name}":
            wrong.append(f"{path}: does not hold what its name says")
    return count, wrong


def main(names: list[str], check: Check = verify) -> int:
    """Verify what is named on the command line."""
    status = 0 if names else 2
    for name in names:
        try:
            count, wrong = check(Path(name))
        except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            print(f"{name}: cannot be verified: {error!r}", file=sys.stderr)
            status = 2
            continue
        for sentence in wrong:
            print(sentence.encode("ascii", "backslashreplace").decode())
            status = max(status, 1)
        print(f"{name}: {count} records, {len(wrong) or 'nothing'} wrong")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
