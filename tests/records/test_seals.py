"""Seals, checkpoints, keys, receipts, pruning and forgetting: the core writes, the verifiers check."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from armorer_guard import Guard, _core
from armorer_guard.cli.main import main
from armorer_guard.records import merkle, models, signature, verify_plain
from armorer_guard.records.receipt import ReceiptError, make_receipt, verify_receipt
from armorer_guard.records.store import Store
from armorer_guard.records.verify import Report, verify_store

from .conftest import seal


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with three runs: two that ended, one of them with an object, and one that goes on."""
    home = tmp_path_factory.mktemp("seals") / "home"
    guard = Guard(home=home, runtime="test")
    for name in ("one", "two", "three"):
        for command in ("ls", "rm -rf ~", "curl https://x.example/"):
            decision = guard.check("Bash", {"command": command}, cwd="/work", run=name)
        guard.outcome(decision, "ok", output=b"x")
    guard.check("Bash", {"command": "echo " + "x" * 70_000}, cwd="/work", run="two")
    _core.stop_run(guard, "one", reason="done")
    _core.stop_run(guard, "two")
    return home


@pytest.fixture
def home(model: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(model, tmp_path / "home"))


def run_of(home: Path, name: str) -> str:
    return Guard(home=home, runtime="test").check("Read", {"file_path": "a"}, run=name, cwd="/").run


def runs(home: Path) -> dict[str, str]:
    """Run ids by session."""
    store = Store.open(home)
    return {json.loads(next(store.lines(run)).line)["input"]["session"]: run for run in store.runs()}


def journal(home: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (home / "store" / "journal.jsonl").read_bytes().splitlines()]


def verdicts(report: Report) -> set[str]:
    return {problem.verdict for problem in report.problems}


def both(home: Path) -> str:
    """The verdict; the small verifier must agree on whether there is something wrong."""
    report = verify_store(home / "store", thorough=True)
    assert bool(report.problems) == bool(verify_plain.verify(home / "store")[1]), report.problems
    return report.verdict.name


def again(home: Path, change: Callable[[int, dict[str, Any]], dict[str, Any] | None]) -> None:
    """The journal written anew by somebody who knows the format and has no key."""
    path, prev, lines = home / "store" / "journal.jsonl", None, []
    for number, record in enumerate(journal(home)):
        made = change(number, record)
        if made is not None:
            made = {**made, "seq": len(lines), "prev": prev or made["prev"]}
            lines.append(seal(made))
            prev = json.loads(lines[-1])["hash"]
    path.write_bytes(b"".join(lines))


def test_a_store_with_sealed_runs_is_sound_and_says_which_run_goes_on(home: Path):
    report = verify_store(home / "store", thorough=True)

    assert (both(home), report.checkpoints) == ("ok", 2)
    assert {chain.chain: chain.sealed for chain in report.chains if chain.chain != "journal"} == {
        run: name != "three" for name, run in runs(home).items()
    }
    assert [note.verdict for note in report.notes] == ["unsealed_tail"]
    assert [type(models.parse(json.dumps(record))).__name__ for record in journal(home)] == [
        *["JournalRunStartRecord"] * 3,
        "JournalRunStopRecord",
        "KeyRotateRecord",
        "CheckpointRecord",
        "JournalRunStopRecord",
        "CheckpointRecord",
    ]


def test_a_sealed_run_that_was_cut_is_noticed_without_an_anchor(home: Path):
    path = home / "store" / "runs" / f"{runs(home)['one']}.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    for keep in range(1, len(lines)):
        path.write_bytes(b"".join(lines[:keep]))
        assert both(home) == "truncated", keep
    path.unlink()
    assert both(home) == "missing"


def test_a_sealed_run_that_was_written_anew_is_noticed(home: Path):
    path = home / "store" / "runs" / f"{runs(home)['one']}.jsonl"
    records, prev, lines = [json.loads(line) for line in path.read_bytes().splitlines()], None, []
    for record in records:
        if record["kind"] == "decision":
            record["verdict"]["effect"] = "allow"
        lines.append(seal({**record, "prev": prev or record["prev"]}))
        prev = json.loads(lines[-1])["hash"]
    path.write_bytes(b"".join(lines))
    assert both(home) == "rewritten"


def test_a_run_goes_on_after_its_end_and_is_sealed_again(home: Path):
    run_of(home, "one")
    report = verify_store(home / "store")
    assert [note.sentence for note in report.notes if "first" in note.sentence] != []
    _core.stop_run(Guard(home=home, runtime="test"), "one")
    assert both(home) == "ok"
    kinds = [json.loads(stored.line)["kind"] for stored in Store.open(home).lines(runs(home)["one"])]
    assert kinds.count("run.stop") == 2
    assert kinds[kinds.index("run.stop") + 1 : kinds.index("run.stop") + 3] == ["run.epoch", "decision"]


def test_a_journal_that_was_cut_is_noticed_by_the_copy_of_its_checkpoint(home: Path):
    path = home / "store" / "journal.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-2]))
    assert "truncated" in verdicts(verify_store(home / "store"))


def test_a_journal_that_was_written_anew_is_noticed_by_its_checkpoints(home: Path):
    def change(number: int, record: dict[str, Any]) -> dict[str, Any] | None:
        return None if number == 2 else record

    again(home, change)
    assert verdicts(verify_store(home / "store", runs=[])) == {"rewritten"}
    assert both(home) == "rewritten"


def test_a_signature_that_the_key_did_not_make_is_noticed(home: Path):
    def change(number: int, record: dict[str, Any]) -> dict[str, Any]:
        if isinstance(stated := record.get("checkpoint"), dict):
            text, _, line = stated["note"].rpartition(" ")
            data = bytearray(base64.b64decode(line))
            data[40] ^= 1
            stated["note"] = f"{text} {base64.b64encode(data).decode()}\n"
        return record

    again(home, change)
    (home / "store" / "checkpoint").unlink()
    assert both(home) == "rewritten"


def test_a_key_that_nothing_vouches_for_is_called_so(home: Path):
    """Whoever lost or exchanged the key, and went on with another one."""
    (home / "keys" / "signing").unlink()
    _core.stop_run(Guard(home=home, runtime="test"), "three")
    report = verify_store(home / "store")
    assert report.verdict.name == "key_unknown"
    assert "nothing vouches for the key" in report.problems[0].sentence


def test_a_key_that_the_old_one_vouches_for_is_good_and_one_can_be_demanded(home: Path):
    guard = Guard(home=home, runtime="test")
    first = _core.public_key(guard)
    second = _core.rotate_key(guard)
    assert both(home) == "ok"
    for demanded, verdict in (([first], "ok"), ([second], "key_unknown"), ([other_key()], "key_unknown")):
        assert verify_store(home / "store", keys=demanded, thorough=True).verdict.name == verdict, demanded
    assert verify_store(home / "store", keys=[first]).verdict.name == "ok"


def other_key() -> str:
    data = b"\x01" + bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    digits = hashlib.sha256(b"x\n" + data).hexdigest()[:8]
    return f"x+{digits}+{base64.b64encode(data).decode()}"


def test_an_anchor_shows_a_store_that_was_written_anew_with_the_same_key(home: Path, tmp_path: Path, capsys):
    assert main(["records", "anchor", "--home", str(home)]) == 0
    kept = tmp_path / "log"
    kept.write_text("commit 1\n\n    fix\n\n    " + capsys.readouterr().out)
    assert main(["records", "verify", "--home", str(home), "--anchor", str(kept)]) == 0
    assert journal(home)[-1]["anchor"]["kind"] == "trailer"

    shutil.rmtree(home / "store" / "runs")
    identity = (home / "store" / "id").read_text()
    shutil.rmtree(home / "store")
    (home / "store").mkdir(mode=0o700)
    (home / "store" / "id").write_text(identity)
    guard = Guard(home=home, runtime="test")
    for name in ("one", "two", "three", "four", "five", "six", "seven", "eight"):
        guard.check("Bash", {"command": "ls"}, cwd="/work", run=name)
        _core.stop_run(guard, name)
    assert both(home) == "ok"
    assert main(["records", "verify", "--home", str(home), "--anchor", str(kept)]) == 15
    capsys.readouterr()


@pytest.mark.parametrize("kind", ["file", "command"])
def test_an_anchor_can_be_left_in_a_file_or_given_to_a_command(home: Path, tmp_path: Path, kind: str, capsys):
    kept = tmp_path / "kept"
    given = str(kept) if kind == "file" else f"cat > '{kept}'"
    assert main(["records", "anchor", f"--{kind}", given, "--home", str(home)]) == 0
    capsys.readouterr()
    for _ in range(2):
        assert main(["records", "verify", "--home", str(home), "--anchor", str(kept)]) == 0
        run_of(home, "four")
    lines = (home / "store" / "journal.jsonl").read_bytes().splitlines(keepends=True)
    (home / "store" / "journal.jsonl").write_bytes(b"".join(lines[:5]))
    (home / "store" / "checkpoint").unlink()
    assert main(["records", "verify", "--home", str(home), "--anchor", str(kept), "--json"]) != 0
    assert "truncated" in capsys.readouterr().out
    assert main(["records", "anchor", "--command", "exit 3", "--home", str(home)]) == 2


# what is taken away on purpose


def test_a_pruned_run_is_noted_and_may_begin_again(home: Path, capsys):
    run = runs(home)["one"]
    assert main(["records", "prune", "--keep", "1", "--home", str(home), "--reason", "old"]) == 0
    assert run in capsys.readouterr().out
    report = verify_store(home / "store", thorough=True)
    assert (both(home), {note.verdict for note in report.notes}) == ("ok", {"pruned", "unsealed_tail"})
    assert report.strict_verdict().name == "pruned"
    run_of(home, "one")
    assert both(home) == "ok"
    (home / "store" / "runs" / f"{run}.jsonl").unlink()
    assert both(home) == "missing"


def test_only_runs_that_have_ended_are_pruned(home: Path, capsys):
    open_run = runs(home)["three"]
    assert main(["records", "prune", "--before", "0h", "--home", str(home), "--dry-run", "--json"]) == 0
    chosen = json.loads(capsys.readouterr().out)["runs"]
    assert set(chosen) == set(runs(home).values()) - {open_run}
    assert main(["records", "forget", open_run, "--home", str(home)]) == 1
    assert main(["records", "prune", "--home", str(home)]) == 2
    capsys.readouterr()


def test_a_forgotten_run_holds_nothing_and_verifies(home: Path, capsys):
    run = runs(home)["two"]
    path = home / "store" / "runs" / f"{run}.jsonl"
    main(["records", "list", "--home", str(home)])
    assert main(["records", "forget", run, "--home", str(home), "--reason", "asked"]) == 0
    capsys.readouterr()
    held = b"".join(file.read_bytes() for file in home.rglob("*") if file.is_file() and run in file.name)
    assert b"rm -rf" not in held and b"Bash" not in held and b"x" * 1_000 not in held
    assert not any(b"x" * 1_000 in file.read_bytes() for file in home.rglob("*") if file.is_file())
    assert main(["records", "list", "--run", run, "--home", str(home), "--json"]) == 0
    assert "Bash" not in capsys.readouterr().out
    report = verify_store(home / "store")
    assert (both(home), report.verdict.name) == ("ok", "ok")
    assert [note.verdict for note in report.notes if note.chain == run] == ["pruned"]
    with pytest.raises(ReceiptError, match="was erased"):
        make_receipt(Store.open(home), run)

    run_of(home, "two")
    assert both(home) == "ok"

    whole = path.read_bytes()
    for at in range(0, len(whole) - 1, 97):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert verify_store(home / "store").problems, at
    path.write_bytes(whole[: whole.index(b"\n") + 1])
    assert both(home) != "ok"


# receipts


def plainly(receipt: dict[str, Any], path: Path) -> int:
    path.write_text(json.dumps(receipt))
    script = Path(verify_plain.__file__).with_name("receipt_plain.py")
    return subprocess.run([sys.executable, script, path], capture_output=True, check=False).returncode


def test_a_receipt_of_every_record_and_of_a_whole_run_holds_by_itself(home: Path, tmp_path: Path):
    store = Store.open(home)
    run = runs(home)["two"]
    ids = [json.loads(stored.line)["id"] for stored in store.lines(run)]
    for record in [*ids, None]:
        receipt = json.loads(json.dumps(make_receipt(store, run, record)))
        held = verify_receipt(receipt)
        assert [found["id"] for found in held.records] == ([record] if record else ids)
        assert held.whole == (record is None)
        assert verify_receipt(receipt, [_core.public_key(Guard(home=home))]).key == held.key
        with pytest.raises(ReceiptError):
            verify_receipt(receipt, [other_key()])
    assert plainly(receipt, tmp_path / "r") == 0
    assert plainly(make_receipt(store, run, ids[2]), tmp_path / "r") == 0


def broken(receipt: Any) -> list[Any]:
    """The receipt with one thing changed, for everything that stands in it."""
    found: list[Any] = []

    def walk(value: Any, put: Callable[[Any], None]) -> None:
        if isinstance(value, dict):
            for name in list(value):
                if name in ("keys", "objects"):
                    continue
                held = value[name]
                walk(held, lambda new, name=name: value.__setitem__(name, new))
        elif isinstance(value, list):
            for at, held in enumerate(value):
                walk(held, lambda new, at=at: value.__setitem__(at, new))
        elif isinstance(value, str) and value:
            for at in {0, len(value) // 2, len(value) - 3}:
                put(value[:at] + ("0" if value[at] != "0" else "1") + value[at + 1 :])
                found.append(json.loads(json.dumps(receipt)))
            put(value)
        elif isinstance(value, int):
            put(value + 1)
            found.append(json.loads(json.dumps(receipt)))
            put(value)

    walk(receipt, lambda _: None)
    return found


def test_nothing_in_a_receipt_can_be_changed_unseen(home: Path, tmp_path: Path):
    store, run = Store.open(home), runs(home)["one"]
    record = json.loads(list(store.lines(run))[3].line)["id"]
    changed = broken(make_receipt(store, run, record))
    assert len(changed) > 30
    for receipt in changed:
        with pytest.raises(ReceiptError):
            verify_receipt(receipt)
    assert plainly(changed[len(changed) // 2], tmp_path / "r") != 0
    whole = make_receipt(store, run)
    del whole["records"][2]
    with pytest.raises(ReceiptError):
        verify_receipt(whole)
    for hostile in (None, [], {}, {"receipt": "armorer-receipt/1"}, {**whole, "records": 7}, {**whole, "seal": None}):
        with pytest.raises(ReceiptError):
            verify_receipt(hostile)


def test_bits_of_a_signature_that_mean_nothing_cannot_be_changed_unseen(home: Path):
    note = (home / "store" / "checkpoint").read_text()
    assert signature.Note.parse(note) is not None
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    assert note.endswith("=\n")
    last = letters.index(note[-3])
    for other in range(last & ~3, (last & ~3) + 4):
        changed = note[:-3] + letters[other] + note[-2:]
        assert (signature.Note.parse(changed) is None) == (changed != note)


def test_the_receipt_of_an_open_run_states_its_length_first(home: Path, tmp_path: Path, capsys):
    run = runs(home)["three"]
    assert main(["records", "export", "--receipt", run, "--home", str(home)]) == 0
    receipt = tmp_path / "receipt.json"
    receipt.write_text(capsys.readouterr().out)
    assert main(["records", "verify", "--receipt", str(receipt), "--home", str(tmp_path / "nowhere")]) == 0
    assert "ok: all" in capsys.readouterr().out
    receipt.write_text(receipt.read_text().replace("rm -rf", "rm -rv"))
    assert main(["records", "verify", "--receipt", str(receipt)]) == 12
    assert both(home) == "ok"


def test_a_run_is_stopped_by_the_name_of_its_session(home: Path, capsys):
    assert main(["runs", "stop", "three", "--home", str(home), "--reason", "enough"]) == 0
    assert "sealed" in capsys.readouterr().out
    assert main(["runs", "stop", "three", "--home", str(home), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["already"] is True
    assert main(["runs", "stop", "nobody", "--home", str(home)]) == 1


def test_a_with_block_ends_its_own_run(tmp_path: Path):
    home = tmp_path / "home"
    with Guard(home=home) as guard:
        guard.check("Read", {"file_path": "a"}, cwd="/")
    with pytest.raises(RuntimeError), Guard(home=home) as guard:
        guard.check("Read", {"file_path": "a"}, cwd="/")
        raise RuntimeError
    with Guard(home=home):
        pass
    with Guard(record=False) as guard:
        guard.check("Read", {"file_path": "a"}, cwd="/")
    stops = [record["state"] for record in journal(home) if record["kind"] == "run.stop"]
    assert (stops, verify_store(home / "store").strict_verdict().name) == (["completed", "crashed"], "ok")


def test_every_kind_the_core_writes_is_one_of_the_models(home: Path, capsys):
    guard, kept, erased = Guard(home=home, runtime="test"), runs(home)["three"], runs(home)["two"]
    for kind, members in {
        "mode.change": {"mode": "observe", "previous": "enforce", "reason": "trial"},
        "policy.activate": {"policy": {"digest": "sha256:" + "0" * 64}},
        "install": {"agent": "claude-code", "components": [{"path": "~/.x", "action": "edit"}]},
        "uninstall": {"components": [], "restored": True, "left": [{"path": "x", "why": "changed"}]},
        "grant": {"grant": {"id": "g", "scope": "run"}},
        "revoke": {"grant_id": "g"},
        "note": {"note": "hello"},
    }.items():
        _core.record_event(guard, kind, members)
    _core.rotate_key(guard)
    main(["records", "anchor", "--home", str(home)])
    main(["records", "forget", erased, "--home", str(home)])
    main(["records", "prune", "--keep", "0", "--home", str(home)])
    for verb in (
        ["list"],
        ["list", "--runs"],
        ["show", kept],
        ["stats"],
        ["export"],
        ["list", "--kind", "all", "--json"],
    ):
        assert main(["records", *verb, "--home", str(home)]) == 0, verb
    assert main(["records", "show", erased, "--home", str(home)]) in (0, 1)
    capsys.readouterr()
    for record in journal(home):
        parsed = models.parse(json.dumps(record))
        assert type(parsed) is not models.OtherRecord
        assert models.stored_form(parsed) == record
    assert {record["kind"] for record in journal(home)} > {"prune", "forget", "anchor", "key.rotate", "checkpoint"}
    for path in (home / "store" / "runs").glob("*.jsonl"):
        for line in path.read_bytes().splitlines():
            assert models.stored_form(models.parse(line)) == json.loads(line)


# long logs


def test_a_log_that_several_processes_follow_gives_what_one_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from armorer_guard.records import verify

    monkeypatch.setattr(verify, "_LONG", 0)
    monkeypatch.setattr(verify, "_WORTH_A_PROCESS", 0)
    home = tmp_path / "home"
    guard = Guard(home=home, runtime="test")
    for number in range(700):
        guard.check("Bash", {"command": f"echo {number} {'x' * 200}"}, cwd="/", run="r")
    _core.stop_run(guard, "r")
    (path,) = (home / "store" / "runs").glob("*.jsonl")
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)

    def same(jobs: int) -> str:
        one, many = (verify_store(home / "store", jobs=count) for count in (1, jobs))
        assert many.problems == one.problems
        assert (many.records, many.heads, many.notes) == (one.records, one.heads, one.notes)
        return many.verdict.name

    assert same(3) == "ok"
    for cut, verdict in (
        (b"".join(lines[:-2]), "truncated"),
        (b"".join(lines[:400] + lines[401:]), "missing"),
        (b"".join([*lines[:350], lines[349], *lines[350:]]), "forked"),
        (whole.replace(b"echo 500", b"echo 600", 1), "edited"),
        (whole[:-30], "truncated"),
    ):
        path.write_bytes(cut)
        assert same(2) == verdict


# golden vectors, made by the writer in the other language

SEALED = Path(__file__).parents[1] / "data" / "records" / "sealed" / "store"


def test_the_golden_store_that_is_sealed_comes_out_byte_for_byte(tmp_path: Path):
    for path in [SEALED / "journal.jsonl", *(SEALED / "runs").glob("*.jsonl")]:
        lines = path.read_bytes().splitlines(keepends=True)
        assert [seal(json.loads(line)) for line in lines] == lines
        assert [models.stored_form(models.parse(line)) for line in lines] == [json.loads(line) for line in lines]
    report = verify_store(SEALED, thorough=True)
    assert (report.verdict.name, report.problems, report.checkpoints) == ("ok", [], 1)
    assert verify_plain.verify(SEALED)[1] == []
    stated = [json.loads(line) for line in (SEALED / "journal.jsonl").read_bytes().splitlines()]
    key = signature.Key.parse(stated[2]["key"]["public"])
    note = signature.Note.parse(stated[3]["checkpoint"]["note"])
    assert key is not None and note is not None and note.signed_by(key)
    assert (SEALED / "checkpoint").read_text() == stated[3]["checkpoint"]["note"]


# the algorithms, against their definitions


def test_proofs_lead_to_the_root_and_no_other_leaf_does():
    leaves = [bytes([n]) * n for n in range(33)]
    for size in range(1, 34):
        root = merkle.root_of(leaves[:size])
        for index in range(size):
            path = merkle.proof(leaves[:size], index)
            assert merkle.root_by_proof(leaves[index], index, size, path) == root
            assert merkle.root_by_proof(leaves[index] + b"x", index, size, path) != root
            assert merkle.root_by_proof(leaves[index], (index + 1) % size, size, path) != root or size == 1
            assert merkle.root_by_proof(leaves[index], index, size, [*path, root]) != root


# RFC 8032, section 7.1: public key, message, signature.
SIGNED = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
]


@pytest.mark.parametrize(("public", "message", "signed"), SIGNED)
def test_signatures_are_those_of_the_standard(public: str, message: str, signed: str):
    key, text, made = bytes.fromhex(public), bytes.fromhex(message), bytes.fromhex(signed)
    assert signature.verify_ed25519(key, text, made)
    assert not signature.verify_ed25519(key, text + b"x", made)
    assert not signature.verify_ed25519(key, text, made[:40] + bytes([made[40] ^ 1]) + made[41:])
    assert not signature.verify_ed25519(bytes(32), text, made[:63])
    order = 2**252 + 27742317777372353535851937790883648493
    malleable = (int.from_bytes(made[32:], "little") + order).to_bytes(32, "little")
    assert not signature.verify_ed25519(key, text, made[:32] + malleable)
