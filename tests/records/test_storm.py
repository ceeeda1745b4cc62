"""Many writers that are killed, and a reader that verifies meanwhile: the native front and the verifier together."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from armorer_guard import Guard
from armorer_guard.records import verify
from armorer_guard.records.index import Filters, Index
from armorer_guard.records.store import Store

WRITERS = 8
RUNS = ("one", "two", "three")
KILLS = 40


def front() -> Path:
    """The binary under test: `ARMORER_GUARD_BIN`, else the one installed beside this Python."""
    named = os.environ.get("ARMORER_GUARD_BIN")
    return Path(named) if named else Path(sys.executable).with_name("armorer-guard")


def start(home: Path, run: str, requests: Path, answers: Path) -> subprocess.Popen[bytes]:
    """A front that judges many calls of a run, one after the other."""
    with requests.open("rb") as given, answers.open("wb") as out:
        return subprocess.Popen(
            [front(), "check", "--jsonl", "--run", run, "--home", home],
            stdin=given,
            stdout=out,
            stderr=subprocess.DEVNULL,
        )


def acknowledged(path: Path) -> list[str]:
    """Ids of decisions that were answered in full as recorded."""
    whole = path.read_bytes().rpartition(b"\n")[0]
    answers = [json.loads(line) for line in whole.splitlines()]
    return [answer["decision"] for answer in answers if answer.get("recorded")]


@pytest.mark.skipif(not front().is_file(), reason="the native front is not built")
def test_what_was_answered_is_in_the_log_whoever_is_killed(tmp_path: Path):
    home = tmp_path / "home"
    chance = random.Random(8)
    requests = tmp_path / "requests"
    requests.write_text(
        "".join(json.dumps({"tool": "Bash", "args": {"command": f"echo {n}"}}) + "\n" for n in range(20_000))
    )
    for run in RUNS:
        # A run's first write is begun in the journal: whoever is killed there leaves a run that cannot be told from a
        # removed one, which is another test's business.
        subprocess.run(
            [front(), "check", "--run", run, "--home", home], input=b'{"tool":"Read","args":{}}', capture_output=True
        )
    files: list[Path] = []
    writers: list[tuple[subprocess.Popen[bytes], Path]] = []
    verdicts: set[str] = set()
    for killed in range(KILLS):
        while len(writers) < WRITERS:
            files.append(tmp_path / f"answers-{len(files)}")
            writers.append((start(home, chance.choice(RUNS), requests, files[-1]), files[-1]))
        time.sleep(chance.uniform(0.0, 0.03))
        victim, answers = writers.pop(chance.randrange(len(writers)))
        if killed % 2:
            # However slow the machine is, some are killed in the midst of answering.
            until = time.monotonic() + 20
            while not answers.stat().st_size and time.monotonic() < until:
                time.sleep(0.002)
        victim.kill()
        victim.wait(10)
        if killed % 5 == 0:
            verdicts.add(verify.verify_store(home / "store").verdict.name)
    for writer, _ in writers:
        writer.kill()
        writer.wait(10)
    for run in RUNS:
        # The next writer mends what the killed ones left.
        Guard(home=home, runtime="check").check("Read", {"file_path": "a"}, cwd="/work", run=run)

    report = verify.verify_store(home / "store", thorough=True)
    assert (report.verdict.name, report.problems) == ("ok", [])
    assert verdicts <= {"ok", "torn_tail"}
    store = Store.open(home)
    stored = {run: [found["id"] for line in store.lines(run) if (found := line.members)] for run in store.runs()}
    place = {identifier: (run, at) for run, found in stored.items() for at, identifier in enumerate(found)}
    assert len(place) == sum(map(len, stored.values())), "no record stands twice"
    total = 0
    for path in files:
        answered = acknowledged(path)
        places = [place[identifier] for identifier in answered]
        assert len({run for run, _ in places}) <= 1
        assert places == sorted(places), "in the order of the answers"
        total += len(answered)
    assert total > WRITERS
    with Index.open(store) as index:
        assert len(index.find(Filters())) >= total
