"""`export --receipt` and `verify --receipt`: one decision or one run, for a stranger to check."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from armorer_guard import _core
from armorer_guard.cli.records_find import one_record_or_run, open_index, open_store
from armorer_guard.cli.records_keep import guard, written
from armorer_guard.cli.records_text import CommandError, Screen, counted, visible
from armorer_guard.records.index import Run
from armorer_guard.records.receipt import (
    MAX_RECEIPT,
    NotSealed,
    ReceiptError,
    make_receipt,
    read_receipt,
    verify_receipt,
)


def export_receipt(arguments: argparse.Namespace) -> int:
    """
    Write the receipt to standard output; where the journal does not state the run so far, let it do so first.

    Raises:
        CommandError: There is no such record, or the store cannot be written.
    """
    with open_index(arguments) as index:
        found = one_record_or_run(index, arguments.receipt)
        run, record = (found.name, None) if isinstance(found, Run) else (found.chain, found.id)
    store = open_store(arguments)
    try:
        try:
            receipt = make_receipt(store, run, record)
        except NotSealed:
            writer = guard(arguments)
            written(lambda: _core.write_checkpoint(writer, run))
            receipt = make_receipt(store, run, record)
    except ReceiptError as error:
        raise CommandError(str(error), exit_code=1) from None
    print(json.dumps(receipt, indent=1, ensure_ascii=True))
    return 0


def check_receipt(arguments: argparse.Namespace) -> int:
    """
    Check a receipt; no store is needed.

    Returns:
        0 it holds; 12 it does not.
    """
    path = Path(arguments.receipt)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_RECEIPT + 1)
    except OSError as error:
        raise CommandError(f"the receipt `{path}` cannot be read: {error.strerror or error}") from None
    if len(data) > MAX_RECEIPT:
        raise CommandError(f"the receipt `{path}` is longer than {MAX_RECEIPT >> 20} MiB")
    screen = Screen.of(sys.stdout)
    try:
        held = verify_receipt(read_receipt(data), read_keys(arguments.key))
    except ReceiptError as error:
        if arguments.json:
            print(json.dumps({"verdict": "edited", "exit_code": 12, "why": str(error)}, ensure_ascii=True))
        else:
            print(screen.paint("edited", "1;31") + f": {visible(str(error))}")
        return 12
    if arguments.json:
        said = {
            "verdict": "ok",
            "exit_code": 0,
            "store": held.store,
            "run": held.run,
            "records": [record.get("id") for record in held.records],
            "whole_run": held.whole,
            "key": held.key.id,
            "key_given": bool(arguments.key),
        }
        print(json.dumps(said, indent=1, ensure_ascii=True))
        return 0
    what = f"all {counted(held.count, 'record')}" if held.whole else f"{len(held.records)} of {held.count} records"
    print(screen.paint("ok", "1;32") + f": {what} of run {held.run} are as they were sealed")
    whose = "the key you gave" if arguments.key else "the key in the receipt; `--key` compares with one you know"
    print(screen.faint(f"signed by key {held.key.id} of store {held.store} ({whose})"))
    return 0


def read_keys(given: list[str]) -> list[str]:
    """
    Public keys from the command line: themselves, or files that hold one a line.

    Raises:
        CommandError: A file cannot be read, or something is no key.
    """
    from armorer_guard.records.signature import Key

    keys = []
    for text in given:
        try:
            lines = [text] if "+" in text else Path(text).read_text(encoding="utf-8").split()
        except (OSError, ValueError) as error:
            raise CommandError(f"the key `{text}` cannot be read: {error}") from None
        for line in lines:
            if Key.parse(line) is None:
                raise CommandError(f"`{line}` is no public key", "`armorer-guard records key` prints one")
            keys.append(line)
    return keys
