"""
No clear secret ever reaches the disk, whatever type it has and wherever it comes in.

Secrets are made anew for every run of the test from the shapes in `rules/secrets`, sent through every entry point, and
then looked for in everything the guard wrote: logs, objects, index, temporary files, both streams of the front.
"""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from armorer_guard import Guard, _core, scan
from armorer_guard.cli.main import main

from .test_storm import front

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PACKS = Path(__file__).parents[2] / "rules" / "secrets"
LOWER, UPPER, DIGITS = "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"
ALPHABETS = {
    "digit": DIGITS,
    "hex": DIGITS + "abcdef",
    "upperhex": DIGITS + "ABCDEF",
    "anyhex": DIGITS + "abcdefABCDEF",
    "lower": LOWER,
    "upper": UPPER,
    "alpha": LOWER + UPPER,
    "base36": DIGITS + LOWER,
    "upper36": DIGITS + UPPER,
    "base32": UPPER + "234567",
    "base58": "".join(set(DIGITS + LOWER + UPPER) - set("0OIl")),
    "base62": DIGITS + LOWER + UPPER,
    "alnum": DIGITS + LOWER + UPPER,
    "base64": DIGITS + LOWER + UPPER + "+/",
    "base64url": DIGITS + LOWER + UPPER + "_-",
    "word": DIGITS + LOWER + UPPER + "_",
}
_PART = re.compile(r"\{(?:(\w+):(\d+)(?:-\d+|\+)?|(uuid)|(\w+(?:\|\w+)+))\}")


@dataclass(frozen=True)
class Canary:
    """A text, and the secret that stands in it."""

    rule: str
    text: str
    secret: str

    @property
    def traces(self) -> list[bytes]:
        """What must be nowhere: the secret, of one of several lines every longer piece."""
        return [piece.encode() for piece in re.split(r"\s+|\\n", self.secret) if len(piece) >= 12]


def made(template: str, chance: random.Random) -> str | None:
    """The template with every `{class:count}` filled in; None when it holds something else in braces."""

    def fill(found: re.Match[str]) -> str:
        alphabet, count, is_uuid, words = found.groups()
        if is_uuid:
            return str(uuid.UUID(int=chance.getrandbits(128)))
        if words:
            return chance.choice(words.split("|"))
        return "".join(chance.choices(ALPHABETS.get(alphabet, "\0"), k=int(count)))

    text = _PART.sub(fill, template)
    return None if "\0" in text or re.search(r"\{(sum|json|\[|bech|upperbech|b64)", text) else text


def canaries() -> Iterator[Canary]:
    """Every example of every rule for secrets that can be made here."""
    chance = random.Random()
    for pack in sorted(PACKS.glob("*.toml")):
        for rule in tomllib.loads(pack.read_text(encoding="utf-8"))["rule"]:
            # Some that are made by chance look too much like words to be taken for secrets: those are made again.
            yield from (
                next((canary for canary in tries if is_found(canary)), tries[-1])
                for example in rule["examples"]
                for tries in zip(*(of_example(rule["id"], example, chance) for _ in range(8)), strict=True)
            )


def is_found(canary: Canary) -> bool:
    """Whether the scanner takes the secret for one."""
    return canary.secret not in scan(canary.text, surface="tool_args").redacted


def of_example(rule: str, example: str, chance: random.Random) -> list[Canary]:
    """An example with secrets made by chance, once for each secret in it."""
    text = made(example, chance)
    secrets = re.findall("⟦(.*?)⟧", text or "", flags=re.DOTALL)
    plain = (text or "").replace("⟦", "").replace("⟧", "")
    return [Canary(rule, plain, secret) for secret in secrets]


def files(root: Path) -> dict[Path, bytes]:
    """Everything below a folder."""
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}


def leaks(sent: list[Canary], written: dict[Path, bytes]) -> set[tuple[str, str]]:
    """Rules whose secrets stand somewhere, and where."""
    everything = {path.name: content for path, content in written.items()}
    return {
        (canary.rule, name)
        for canary in sent
        for trace in canary.traces
        for name, content in everything.items()
        if trace in content
    }


@pytest.fixture(scope="module")
def sent() -> list[Canary]:
    found = [canary for canary in canaries() if canary.traces]
    assert len({canary.rule for canary in found}) > 100
    return found


def test_the_package_writes_no_secret(sent: list[Canary], tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    guard = Guard(home=tmp_path)
    for canary in sent:
        text = canary.text
        decision = guard.check("Bash", {"command": text}, cwd="/work/project", run="r")
        guard.outcome(decision, output=text)
        guard.check("mcp__a__b", {"deep": [{"er": text}], text: 1}, cwd="/work/project", run="r")
        guard.check("Write", {"file_path": "a", "content": text}, cwd=f"/{text}", run=text, call_id=text, agent=text)
        guard.check(text, {}, cwd="/work/project", workspace=f"/{text}", run="r")
        guard.check_text(text, run="r")
        guard.check_text(text.encode() + b"\xff", surface="retrieved", run=text)
    for canary in sent:
        # What is a secret without anything around it stays one in the name of a tool or server, and in every event.
        if is_found(Canary(canary.rule, canary.secret, canary.secret)):
            secret = canary.secret
            for tool in (f"mcp__x__{secret}", f"mcp__{secret}__y", f"mcp__x__{secret}__y"):
                decision = guard.check(tool, {"a": 1}, cwd="/work/project", run="r")
                guard.outcome(decision, "error")
    for canary in sent[::7]:
        guard.check("Read", {"file_path": "a"}, cwd="/", run=canary.text)
        _core.stop_run(guard, canary.text, reason=canary.text)
        _core.record_event(guard, "note", {"note": {"a": [canary.text]}})
    _core.stop_run(guard, "r", reason="done")
    for arguments in (["list", "--kind", "all", "-n", "0"], ["list", "--json"], ["export"], ["show", "r"], ["verify"]):
        main(["records", *arguments, "--home", str(tmp_path)])
    out, err = capsys.readouterr()

    assert leaks(sent, {**files(tmp_path), Path("stdout"): out.encode(), Path("stderr"): err.encode()}) == set()


@pytest.mark.skipif(not front().is_file(), reason="the native front is not built")
def test_the_front_writes_no_secret(sent: list[Canary], tmp_path: Path):
    def run(*arguments: str, given: str) -> bytes:
        done = subprocess.run(
            [front(), *arguments, "--home", tmp_path], input=given.encode(), capture_output=True, check=False
        )
        return done.stdout + done.stderr

    requests: list[dict[str, Any]] = []
    for canary in sent:
        requests.append({"id": 1, "tool": "Bash", "args": {"command": canary.text}, "run": canary.text})
        requests.append({"id": 2, "text": canary.text, "surface": "tool_result"})
    said = [run("check", "--jsonl", given="".join(json.dumps(request) + "\n" for request in requests))]
    for canary in random.Random(1).sample(sent, min(60, len(sent))):
        said.append(run("check", "--text", given=canary.text))
        event = {
            "session_id": canary.text,
            "cwd": "/work/project",
            "permission_mode": "default",
            "tool_name": "Bash",
            "tool_input": {"command": canary.text},
            "tool_use_id": canary.text,
        }
        said.append(run("hook", "claude-code", given=json.dumps({**event, "hook_event_name": "PreToolUse"})))
        after = {**event, "hook_event_name": "PostToolUse", "tool_response": {"stdout": canary.text}}
        said.append(run("hook", "claude-code", given=json.dumps(after)))
        for name in ("SessionStart", "SessionEnd"):
            said.append(
                run(
                    "hook",
                    "claude-code",
                    given=json.dumps(
                        {
                            "session_id": canary.text,
                            "cwd": f"/{canary.text}",
                            "hook_event_name": name,
                            "model": canary.text,
                            "reason": canary.text,
                        }
                    ),
                )
            )
        # What cannot be read must not be quoted either.
        said.append(run("check", "--call", given=f'{{"tool": "{canary.text}'))
        said.append(run("hook", "claude-code", given=f'{{"session_id": "{canary.text}'))

    assert leaks(sent, {**files(tmp_path), Path("said"): b"".join(said)}) == set()


def test_the_search_for_leaks_finds_one(sent: list[Canary], tmp_path: Path):
    canary = sent[len(sent) // 2]
    (tmp_path / "log").write_text(f"before{canary.secret}after")

    assert leaks([canary], files(tmp_path)) == {(canary.rule, "log")}
