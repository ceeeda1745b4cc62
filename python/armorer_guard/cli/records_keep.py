"""`checkpoint`, `anchor`, `key`, `prune`, `forget`, `schema`: keeping records, and proving that they were kept."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from armorer_guard import Guard, StoreError, _core
from armorer_guard.cli.records_find import one_run, open_index, open_store, point_in_time
from armorer_guard.cli.records_text import CommandError, Screen, counted, part
from armorer_guard.records.files import JOURNAL
from armorer_guard.records.store import Store

TRAILER = "Armorer-Checkpoint"
_ADAPTER = "records"
_COMMAND_S = 60
"""Seconds that a command which takes an anchor may need."""


def add_parsers(verbs: Any, make: Callable[[Any, str, str, str], argparse.ArgumentParser]) -> None:
    """Register the verbs."""
    usual = "exit status: 0 done; 1 there is no such run; 2 usage error, or it could not be written"
    checkpoint = make(verbs, "checkpoint", "state the journal's length and root, and sign them", usual)
    checkpoint.add_argument("run", nargs="?", metavar="RUN", help="state the length of this run before")

    anchor = make(
        verbs,
        "anchor",
        "leave a checkpoint where this program cannot change it",
        f"Prints one line, `{TRAILER}: RECORDS ROOT`, made for a git trailer:\n\n"
        '  git commit --trailer "$(armorer-guard records anchor)"\n\n'
        "`armorer-guard records verify --anchor FILE` compares it later; FILE may be what `git log` prints.\n\n"
        + usual,
    )
    where = anchor.add_mutually_exclusive_group()
    where.add_argument("--file", metavar="FILE", help="append the line to this file instead")
    where.add_argument(
        "--command", metavar="COMMAND", dest="taker", help="give the signed note to this command instead"
    )

    key = make(verbs, "key", "print the public key of checkpoints, or use another key from here on", usual)
    key.add_argument("--rotate", action="store_true", help="make another key; the old one vouches for it and is erased")

    prune = make(
        verbs,
        "prune",
        "remove the logs of runs that have ended, and say so in the journal",
        "Only runs that have ended are removed, and only whole. `verify` says `pruned` for them.\n\n" + usual,
    )
    prune.add_argument("--before", metavar="TIME", help="runs that ended before then: 90d, 2026-11-22")
    prune.add_argument("--keep", type=int, metavar="N", help="all but the N runs that ended last")
    prune.add_argument("--reason", metavar="TEXT", help="why, for the record")
    prune.add_argument("--dry-run", action="store_true", help="only say which")

    forget = make(
        verbs,
        "forget",
        "erase what a run was about, and keep its chain",
        "Every record of the run becomes a stub that keeps its kind, time and hash. This cannot be undone.\n\n" + usual,
    )
    forget.add_argument("run", metavar="RUN")
    forget.add_argument("--reason", metavar="TEXT", help="why, for the record")

    make(verbs, "schema", "print the JSON Schema of records", "exit status: 0 done")


def guard(arguments: argparse.Namespace) -> Guard:
    """
    A guard that writes into the store that is meant.

    Raises:
        CommandError: There is no store.
    """
    store = open_store(arguments)
    return Guard(home=store.root.parent, runtime=_ADAPTER)


def written(act: Callable[[], Any]) -> Any:
    """
    What the core answers, as an error of the command line where it cannot.

    Raises:
        CommandError: The store refused.
    """
    try:
        return act()
    except StoreError as error:
        missing = error.kind in ("store_no_run", "store_not_sealed")
        raise CommandError(f"{error} [{error.kind}]", exit_code=1 if missing else 2) from None


def run_id(arguments: argparse.Namespace, text: str) -> str:
    """
    The id of the run that is meant.

    Raises:
        CommandError: There is none, or more than one.
    """
    with open_index(arguments) as index:
        return one_run(index, text).name


def run_checkpoint(arguments: argparse.Namespace) -> int:
    """State and sign."""
    run = run_id(arguments, arguments.run) if arguments.run else None
    writer = guard(arguments)
    made = json.loads(written(lambda: _core.write_checkpoint(writer, run)))
    print(json.dumps(made, indent=1, ensure_ascii=True) if arguments.json else made["note"], end="\n" * arguments.json)
    return 0


def run_anchor(arguments: argparse.Namespace) -> int:
    """Make a checkpoint, leave it somewhere, and record where."""
    writer = guard(arguments)
    made = json.loads(written(lambda: _core.write_checkpoint(writer)))
    line = f"{TRAILER}: {made['size']} {made['root']}"
    kind, where = "trailer", None
    if arguments.file:
        kind, where = "file", str(Path(arguments.file).absolute())
        try:
            with Path(where).open("a", encoding="utf-8") as file:
                file.write(line + "\n")
        except OSError as error:
            raise CommandError(f"the anchor cannot be left in `{where}`: {error.strerror or error}") from None
    elif arguments.taker:
        kind, where = "command", arguments.taker
        _give_to(arguments.taker, made["note"])
    anchor = {"kind": kind, "where": where, "size": made["size"], "root": made["root"]}
    written(lambda: _core.record_event(writer, "anchor", {"anchor": anchor}))
    print(json.dumps(anchor, ensure_ascii=True) if arguments.json else line)
    return 0


def _give_to(command: str, note: str) -> None:
    try:
        done = subprocess.run(command, shell=True, input=note.encode(), check=False, timeout=_COMMAND_S)
    except subprocess.TimeoutExpired:
        raise CommandError(f"the command did not end within {_COMMAND_S} s: `{command}`") from None
    if done.returncode != 0:
        raise CommandError(f"the command ended with status {done.returncode}: `{command}`")


def run_key(arguments: argparse.Namespace) -> int:
    """Print the key, or use another one."""
    writer = guard(arguments)
    public = written(lambda: _core.rotate_key(writer) if arguments.rotate else _core.public_key(writer))
    print(json.dumps({"public": public}) if arguments.json else public)
    return 0


def run_schema(arguments: argparse.Namespace) -> int:
    """Print the published schema."""
    from armorer_guard.records import models

    print(json.dumps(models.json_schema(), indent=None if arguments.json else 1, sort_keys=True, ensure_ascii=True))
    return 0


def run_forget(arguments: argparse.Namespace) -> int:
    """Erase the payload of one run."""
    run = run_id(arguments, arguments.run)
    writer = guard(arguments)
    done = json.loads(written(lambda: _core.forget_run(writer, run, reason=arguments.reason)))
    if arguments.json:
        print(json.dumps({"run": run, **done}, indent=1, ensure_ascii=True))
    else:
        erased = counted(len(done["objects"]), "object")
        print(f"forgotten: run {run}, {counted(done['seal']['count'], 'record')}, {erased}; its chain stays")
    return 0


def run_prune(arguments: argparse.Namespace) -> int:
    """Remove whole runs."""
    if arguments.before is None and arguments.keep is None:
        raise CommandError("nothing says which runs to remove", "say `--before 90d`, or `--keep 1000`")
    if arguments.keep is not None and arguments.keep < 0:
        raise CommandError("`--keep` takes a number from 0")
    store = open_store(arguments)
    chosen = _ended(store, point_in_time(arguments.before), arguments.keep)
    rule = ", ".join(
        [f"before {arguments.before}"] * (arguments.before is not None)
        + [f"keep {arguments.keep}"] * (arguments.keep is not None)
    )
    pruned: list[dict[str, Any]] = []
    if not arguments.dry_run and chosen:
        writer = guard(arguments)
        pruned = json.loads(written(lambda: _core.prune_runs(writer, chosen, reason=arguments.reason, policy=rule)))
    if arguments.json:
        print(json.dumps({"runs": chosen, "pruned": pruned, "dry_run": arguments.dry_run}, indent=1))
        return 0
    for run in chosen:
        print(run)
    did = "would be removed" if arguments.dry_run else "removed"
    print(Screen.of(sys.stdout).faint(f"{counted(len(chosen), 'run')} {did} ({rule})"))
    return 0


def _ended(store: Store, before_us: int | None, keep: int | None) -> list[str]:
    """Runs whose log is sealed to its end, oldest first: those that ended before then, and all but the last so many."""
    ended: dict[str, tuple[str, int]] = {}
    for stored in store.lines(JOURNAL):
        record = stored.members if b'"seal"' in stored.line else None
        if record is not None and record.get("kind") == "run.stop":
            ended[str(record.get("run"))] = (str(record.get("ts")), int(part(record, "seal").get("bytes", -1)))
    present = store.runs()
    order = sorted(
        (ts, run) for run, (ts, size) in ended.items() if run in present and present[run].stat().st_size == size
    )
    if keep is not None:
        order = order[: max(len(order) - keep, 0)]
    if before_us is not None:
        order = [(ts, run) for ts, run in order if _micros(ts) < before_us]
    return [run for _, run in order]


def _micros(ts: str) -> int:
    try:
        return int(datetime.fromisoformat(ts.replace("Z", "+00:00")).timestamp() * 1e6)
    except (ValueError, OverflowError):
        # A time that cannot be read is no reason to remove anything.
        return 1 << 62
