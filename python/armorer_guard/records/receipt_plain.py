#!/usr/bin/env python3
"""
A verifier of armorer-guard receipts, to be kept beside `verify_plain.py`.

    python3 receipt_plain.py receipt.json [more receipts]

Exit code 0 when all is well, 1 when something is wrong, 2 when a receipt cannot be read. Whether
the key that signed is the right one is for you to know.
"""

import base64
import hashlib
import json
import sys
from pathlib import Path

from verify_plain import Record, main, root, sha256, signed  # type: ignore[import-not-found, unused-ignore]


def climb(record: Record, index: int, size: int, proof: list[str]) -> bytes:
    """The root to which the proof of a record leads."""
    found, last = hashlib.sha256(b"\0" + bytes.fromhex(record["hash"][7:])).digest(), size - 1
    for step in map(bytes.fromhex, proof):
        while index == last and not index & 1:
            index, last = index >> 1, last >> 1
        found = hashlib.sha256(b"\1" + (step + found if index & 1 else found + step)).digest()
        index, last = index >> 1, last >> 1
    return found if not index else b""


def receipt(path: Path) -> tuple[int, list[str]]:
    """How many records a receipt holds, and what is wrong with it. Whose keys it names is for you to know."""
    held = json.loads(path.read_bytes())
    seal, wrong = json.loads(held["seal"]["line"]), []
    records = [json.loads(entry["line"]) for entry in held["records"]]
    for line in [held["seal"]["line"], *(entry["line"] for entry in held["records"])]:
        if sha256(b"armorer-record/1\n" + (json.loads(line)["prev"] + line[:-82]).encode()) != json.loads(line)["hash"]:
            wrong.append(f"{path}: the bytes of a line do not give its hash")
    _, size, top = held["checkpoint"].split("\n")[:3]
    if climb(seal, held["seal"]["index"], int(size), held["seal"]["proof"]) != base64.b64decode(top):
        wrong.append(f"{path}: the checkpoint does not cover the seal")
    for entry, record in zip(held["records"], records, strict=True):
        whole = entry["proof"] is None
        led = root(records) if whole else climb(record, entry["index"], seal["seal"]["count"], entry["proof"])
        if "sha256:" + led.hex() != seal["seal"]["root"] or record["run"] != seal["run"]:
            wrong.append(f"{path}: record {entry['index']} is not one of those that were sealed")
    wrong += [] if signed(held["checkpoint"], held["keys"]) else [f"{path}: the checkpoint is not signed with its key"]
    return len(records), wrong


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], receipt))
