#!/usr/bin/env python3
"""
A verifier of armorer-guard stores in one small file, to show that the format is simple.

    python3 verify_plain.py ~/.local/state/armorer-guard/store [more stores]

It needs nothing but Python 3.10 and knows nothing but FORMAT.md. It reads every line as JSON, follows every chain and
holds the runs against the journal; the exit code is 0 when all is well, 1 when something is wrong, 2 when a store
cannot be read. `armorer-guard records verify` is faster and tells the ways in which a store can be wrong apart.
"""

import hashlib
import json
import re
import sys
from pathlib import Path

SEAL = re.compile(rb',"hash":"(sha256:[0-9a-f]{64})"\}\n\Z')
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
LONGEST_LINE = 64 * 1024


def sha256(data: bytes) -> str:
    """A digest as records write it."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def follow(path: Path, store: str, chain: str) -> tuple[list[dict[str, object]], list[str]]:
    """The records of one log, and what is wrong with it. A log that is wrong is followed no further."""
    records: list[dict[str, object]] = []
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
            if sha256(b"armorer-record/1\n" + prev.encode() + line[: seal.start()]) != stated:
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


def log_says(path: Path, records: list[dict[str, object]]) -> list[str]:
    """What the writer itself has said to be wrong with a log."""
    said = []
    for record in records:
        for kind, reason in (("gap", "shortened"), ("recovery", "unreadable")):
            about = record.get(kind)
            if record.get("kind") == kind and isinstance(about, dict) and about.get("reason") == reason:
                said.append(f"{path}: record {record.get('seq')} says: {reason}")
    return said


def objects_wrong(root: Path, records: list[dict[str, object]]) -> list[str]:
    """Objects that records name and that are not there."""
    wrong = []
    for record in records:
        pointers = record.get("blobs")
        for pointer in pointers if isinstance(pointers, list) else []:
            value: object = record
            for name in str(pointer).split("/")[1:]:
                value = value.get(name) if isinstance(value, dict) else None
            if not isinstance(value, dict):
                continue  # It lies in an object that holds this member too.
            digest = str(value.get("$blob"))
            if not (root / "objects" / digest[7:9] / digest[7:]).is_file():
                wrong.append(f"{root}: record {record.get('id')} names the object {digest}, which is not there")
    for path in sorted((root / "objects").glob("??/*")):
        if re.fullmatch(r"[0-9a-f]{64}", path.name) and sha256(path.read_bytes()) != f"sha256:{path.name}":
            wrong.append(f"{path}: does not hold what its name says")
    return wrong


def verify(root: Path) -> tuple[int, list[str]]:
    """How many records a store holds, and everything that is wrong with it."""
    store = (root / "id").read_text(encoding="ascii").strip()
    runs: dict[str, list[dict[str, object]]] = {}
    wrong: list[str] = []
    for path in sorted((root / "runs").glob("*.jsonl")):
        if UUID.fullmatch(path.stem):
            runs[path.stem], problems = follow(path, store, path.stem)
            wrong += problems + log_says(path, runs[path.stem])
    journal: list[dict[str, object]] = []
    if (root / "journal.jsonl").exists() or any(runs.values()):
        journal, problems = follow(root / "journal.jsonl", store, "journal")
        wrong += problems + log_says(root / "journal.jsonl", journal)
    named: dict[str, list[object]] = {}
    for record in journal:
        if record.get("kind") == "run.start":
            named.setdefault(str(record.get("run")), []).append(record.get("first"))
    for run, records in runs.items():
        if records and run not in named:
            wrong.append(f"{root}: run {run} is not named in the journal")
    wrong += objects_wrong(root, [record for records in runs.values() for record in records])
    for run, first in named.items():
        records = runs.get(run, [])
        if not records:
            wrong.append(f"{root}: run {run} is named in the journal and holds no record")
        elif [records[0].get("id")] != first:
            wrong.append(f"{root}: run {run} does not begin as the journal says, or began more than once")
    return len(journal) + sum(map(len, runs.values())), wrong


def main(roots: list[str]) -> int:
    """Verify the stores that are named on the command line."""
    if not roots:
        print("usage: verify_plain.py STORE...", file=sys.stderr)
        return 2
    status = 0
    for root in roots:
        try:
            count, wrong = verify(Path(root))
        except (OSError, ValueError) as error:
            print(f"{root}: cannot be verified: {error}", file=sys.stderr)
            status = 2
            continue
        for sentence in wrong:
            print(sentence.encode("ascii", "backslashreplace").decode())
            status = max(status, 1)
        print(f"{root}: {count} records, {len(wrong) or 'nothing'} wrong")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
