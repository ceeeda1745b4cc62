"""`scan`: which files are read, what is told of them, what is known already, and how it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import time
from pathlib import Path

import pytest

from .conftest import Front, github_token, on_a_terminal

TOKEN = github_token()


def tree(front: Front, **files: str | bytes) -> None:
    """Files below the working directory; `__` in a name is a slash, a leading `dot_` a dot."""
    for name, content in files.items():
        parts = [re.sub("^dot_", ".", part) for part in name.split("__")]
        path = front.cwd.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def places(front: Front, *arguments: str) -> list[str]:
    """`path:line:column` of every finding."""
    found = front("scan", "--json", *arguments).answer["findings"]
    return [f"{one['path']}:{one['line']}:{one['column']}" for one in found]


def rule_of_the_token(front: Front) -> str:
    rule = front("scan", "--json", "-", stdin=f"token {TOKEN} end").answer["findings"][0]["rule"]
    assert isinstance(rule, str) and rule.startswith("secrets."), rule
    return rule


def test_nothing_found_is_zero_and_said(front: Front):
    tree(front, a="nothing\n", sub__b="here\n")
    got = front("scan")

    assert (got.code, got.out, got.err) == (0, b"", "0 findings; scanned 2 files, 13 B\n")


def test_a_finding_is_one_line_with_its_place_and_never_its_value(front: Front):
    tree(front, src__app="first\nä = '" + TOKEN + "'\n", clean="x")
    got = front("scan", ".")

    assert got.code == 1
    line = got.out.decode()
    assert line.startswith(f"src/app:2:6: critical {rule_of_the_token(front)}"), line
    assert line.count("\n") == 1
    assert TOKEN[4:] not in line + got.err
    assert got.err.startswith("1 finding in 1 file; scanned 2 files, ")


def test_the_json_report_says_everything_but_the_value(front: Front):
    tree(front, a="ä = " + TOKEN + "\n")
    got = front("scan", "--json", "a")

    assert (got.code, got.err) == (1, "")
    (finding,) = got.answer["findings"]
    start = len("ä = ".encode())
    assert finding == {
        "rule": rule_of_the_token(front),
        "kind": "secret",
        "severity": "critical",
        "confidence_pm": 1000,
        "path": "a",
        "line": 1,
        "column": 5,
        "end_line": 1,
        "end_column": 5 + len(TOKEN),
        "start": start,
        "end": start + len(TOKEN),
        "checksum": "valid",
        "redact": True,
    }
    assert {name: value for name, value in got.answer.items() if name != "findings"} == {
        "errors": [],
        "skipped": [],
        "files": 1,
        "bytes": start + len(TOKEN) + 1,
        "known": 0,
    }
    assert TOKEN[4:].encode() not in got.out


def test_ignore_files_and_hidden_files_are_respected_without_a_repository(front: Front):
    tree(
        front,
        dot_gitignore="*.log\n/build/\n!keep.log\n",
        dot_env=TOKEN,
        dot_ignore="private\n",
        **{
            "a.log": TOKEN,
            "keep.log": TOKEN,
            "build__x": TOKEN,
            "sub__build__x": TOKEN,
            "private__x": TOKEN,
            "z": TOKEN,
        },
    )

    assert places(front) == ["keep.log:1:1", "sub/build/x:1:1", "z:1:1"]
    assert places(front, "--hidden") == [".env:1:1", "keep.log:1:1", "sub/build/x:1:1", "z:1:1"]
    assert places(front, "--no-ignore") == [
        "a.log:1:1",
        "build/x:1:1",
        "keep.log:1:1",
        "private/x:1:1",
        "sub/build/x:1:1",
        "z:1:1",
    ]
    assert places(front, ".env", "a.log") == [".env:1:1", "a.log:1:1"], "what is named is scanned"


def test_binary_files_are_skipped_and_said_unless_they_are_wanted(front: Front):
    tree(front, a=b"\x00\x01" + TOKEN.encode(), b="text")
    got = front("scan")
    assert (got.code, got.err) == (0, "0 findings; scanned 1 file, 4 B; skipped 1 binary\n")
    assert front("scan", "--json").answer["skipped"] == [{"path": "a", "reason": "binary"}]

    assert places(front, "--binary") == ["a:1:3"]


def test_text_in_utf_16_is_text(front: Front):
    text = "\ufeffone\r\nkey 🔑 = " + TOKEN + "\r\n"
    tree(front, big=text.encode("utf-16-be"), little=text.encode("utf-16-le"))

    assert places(front) == ["big:2:9", "little:2:9"]


def test_links_and_special_files_are_skipped_and_said(front: Front, tmp_path: Path):
    (tmp_path / "outside").write_text(TOKEN)
    tree(front, a="text")
    (front.cwd / "link").symlink_to(tmp_path / "outside")
    (front.cwd / "loop").symlink_to(front.cwd)
    os.mkfifo(front.cwd / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(front.cwd / "socket"))
        got = front("scan")

    assert (got.code, got.out) == (0, b"")
    assert got.err == "0 findings; scanned 1 file, 4 B; skipped 2 symbolic links, 2 special files\n"
    assert places(front, "link") == ["link:1:1"], "a link that is named is followed"


def test_larger_files_are_skipped_and_said_when_there_is_a_limit(front: Front):
    tree(front, a=TOKEN, b=TOKEN + " " * 2000)
    got = front("scan", "--max-size", "1k")

    assert got.code == 1
    assert got.err == "1 finding in 1 file; scanned 1 file, 40 B; skipped 1 too large\n"


def test_what_cannot_be_read_is_an_error_and_the_rest_is_still_told(front: Front):
    tree(front, a=TOKEN)
    got = front("scan", "missing", "a")

    assert got.code == 2
    assert got.out.startswith(b"a:1:1: ")
    assert got.err.splitlines() == [
        "armorer-guard: `missing` cannot be read: No such file or directory (os error 2)",
        "1 finding in 1 file; scanned 1 file, 40 B; 1 error",
    ]
    assert front("scan", "--json", "missing").answer["errors"] == [
        {"path": "missing", "message": "No such file or directory (os error 2)"}
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_permission_is_an_error(front: Front):
    tree(front, a="x", sub__b="x")
    (front.cwd / "a").chmod(0)
    (front.cwd / "sub").chmod(0)
    got = front("scan")
    (front.cwd / "sub").chmod(0o755)

    assert (got.code, got.err.count("cannot be read: Permission denied")) == (2, 2)


def test_a_read_that_fails_is_an_error(front: Front):
    """A process may not read its own memory at address zero; the file is there, opens and has no size."""
    got = front("scan", "--json", "/proc/self/mem")
    if not Path("/proc/self/mem").exists():
        pytest.skip("this system has no file that opens and cannot be read")

    assert (got.code, [error["path"] for error in got.answer["errors"]]) == (2, ["/proc/self/mem"])


def test_the_order_is_that_of_the_paths_whatever_works(front: Front):
    tree(front, **{f"d{n % 7}__f{n}": f"{'x' * (n * 97 % 3001)}\n{github_token(n)}\n" for n in range(60)})
    outputs = {front("scan", "--threads", threads).out for threads in ("1", "2", "7", "7", "7")}

    assert len(outputs) == 1
    paths = [line.split(b":")[0] for line in outputs.pop().splitlines()]
    assert paths == sorted(paths) and len(paths) == 60


def test_standard_input_is_scanned(front: Front):
    got = front("scan", "-", stdin=f"\n {TOKEN}")

    assert got.code == 1
    assert got.out.startswith(b"-:2:2: critical ")


def test_files_of_any_length_are_scanned_whole(front: Front):
    line = b"nothing to see in this line, nor in the next one\n"
    spot = TOKEN.encode() + b"\n"
    parts = [line * 50_000, spot, line * 85_600, spot, line * 50_000, spot]
    tree(front, log=b"".join(parts))
    lines = 50_001, 50_001 + 85_601, 50_001 + 85_601 + 50_001

    assert places(front, "log") == [f"log:{number}:1" for number in lines]


def test_rules_and_severities_can_be_chosen_and_a_name_that_is_none_is_an_error(front: Front):
    tree(front, a=TOKEN)
    rule = rule_of_the_token(front)
    counts = {
        options: len(places(front, *options))
        for options in [
            ("--rule", "secrets"),
            ("--rule", rule),
            ("--rule", "secrets", "--exclude-rule", rule),
            ("--exclude-rule", "secrets"),
            ("--min-severity", "critical"),
        ]
    }
    assert list(counts.values()) == [1, 1, 0, 0, 1], counts

    got = front("scan", "--rule", "secrets.no-such-rule")
    assert (got.code, got.out) == (2, b"")
    assert got.err.startswith("armorer-guard: no rule or family is named `secrets.no-such-rule`\nhint: ")


def test_what_a_baseline_knows_is_not_told_again_and_what_is_new_is(front: Front):
    tree(front, a=f"x\n{TOKEN}\n", sub__b=f"{TOKEN} and {github_token(1)}")
    made = front("scan", "--baseline", "known.json", "--update-baseline")
    assert (made.code, made.out) == (0, b"")
    assert made.err.startswith("the baseline knows 3 findings; ")

    got = front("scan", "--baseline", "known.json")
    assert (got.code, got.out) == (0, b"")
    assert got.err.startswith("0 findings, 3 known; ")

    # Moved in its file: known. A copy of a known one, another one, the same one in another file: new.
    tree(front, a=f"more\nlines\n  '{TOKEN}'\n{TOKEN}\n{github_token(2)}\n", c=TOKEN)
    assert places(front, "--baseline", "known.json") == ["a:4:1", "a:5:1", "c:1:1"]


def test_a_baseline_works_from_anywhere_and_is_the_same_for_the_same_findings(front: Front):
    tree(front, sub__b=TOKEN)
    front("scan", "--baseline", "known.json", "--update-baseline")
    before = (front.cwd / "known.json").read_bytes()
    inside = Front(front.path, front.home, front.cwd / "sub")

    assert inside("scan", "--baseline", "../known.json").code == 0
    assert front("scan", "--baseline", "known.json", str(front.cwd)).code == 0
    front("scan", "--baseline", "known.json", "--update-baseline", str(front.cwd / "sub"))
    assert (front.cwd / "known.json").read_bytes() == before


def test_a_baseline_holds_nothing_of_a_value(front: Front):
    password = "x7" + "Tq!vLm2"
    tree(front, a=TOKEN, b=f'db_password = "{password}"\n')
    front("scan", "--baseline", "known.json", "--update-baseline")
    text = (front.cwd / "known.json").read_text()
    entries = json.loads(text)["findings"]

    assert len(entries) == 2
    assert not any(TOKEN[at : at + 6] in text for at in range(len(TOKEN) - 6)) and password not in text
    # Another password in the same place gives the same entry: nothing of it is in there.
    tree(front, b=f'db_password = "{password[::-1]}"\n')
    front("scan", "--baseline", "known.json", "--update-baseline")
    assert json.loads((front.cwd / "known.json").read_text())["findings"] == entries


def test_a_baseline_that_is_missing_or_broken_is_an_error(front: Front):
    tree(front, a=TOKEN)
    missing = front("scan", "--baseline", "known.json")
    assert (missing.code, missing.out) == (2, b"")
    assert "`known.json` cannot be read" in missing.err

    for content in ("", "[]", '{"format": "other/1", "about": "", "salt": "", "findings": []}'):
        (front.cwd / "known.json").write_text(content)
        broken = front("scan", "--baseline", "known.json", "--update-baseline")
        assert (broken.code, broken.out) == (2, b"")
        assert "`known.json` is not a baseline: " in broken.err
        assert (front.cwd / "known.json").read_text() == content


def test_a_scan_with_errors_leaves_the_baseline_alone(front: Front):
    tree(front, a=TOKEN)
    front("scan", "--baseline", "known.json", "--update-baseline")
    before = (front.cwd / "known.json").read_bytes()
    got = front("scan", "--baseline", "known.json", "--update-baseline", "missing")

    assert got.code == 2
    assert "the baseline is left as it was" in got.err
    assert (front.cwd / "known.json").read_bytes() == before


def test_the_sarif_report_has_a_result_for_each_finding_and_a_notification_for_each_error(front: Front):
    tree(front, **{"dir__a b": f"\n  {TOKEN}"})
    got = front("scan", "--sarif", "dir", "missing")
    (run,) = got.answer["runs"]
    rule = rule_of_the_token(front)

    assert got.code == 2
    assert (got.answer["version"], run["columnKind"]) == ("2.1.0", "unicodeCodePoints")
    (described,) = run["tool"]["driver"]["rules"]
    assert described["id"] == rule
    assert described["shortDescription"]["text"] and described["fullDescription"]["text"]
    assert described["helpUri"].startswith("https://")
    (result,) = run["results"]
    assert (result["ruleId"], result["ruleIndex"], result["level"]) == (rule, 0, "error")
    assert result["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "dir/a%20b"},
                "region": {
                    "startLine": 2,
                    "startColumn": 3,
                    "endLine": 2,
                    "endColumn": 43,
                    "byteOffset": 3,
                    "byteLength": 40,
                },
            }
        }
    ]
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is False
    (notification,) = invocation["toolExecutionNotifications"]
    assert "No such file" in notification["message"]["text"]


def test_a_report_in_a_file_is_whole_or_not_there(front: Front):
    tree(front, a=TOKEN)
    got = front("scan", "--json", "-o", "report.json")
    assert (got.code, got.out) == (1, b"")
    assert len(json.loads((front.cwd / "report.json").read_text())["findings"]) == 1
    assert sorted(path.name for path in front.cwd.iterdir()) == ["a", "report.json"]

    failed = front("scan", "-o", "no/such/place")
    assert failed.code == 2
    assert "the findings cannot be written" in failed.err


def test_a_reader_that_goes_away_ends_the_scan_quietly(front: Front):
    tree(front, **{f"f{n}": "\n".join(github_token(n) for _ in range(400)) for n in range(20)})
    with front.start("scan") as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()

        assert process.wait(timeout=60) == 2
        assert process.stderr.read() == b""


def test_colours_are_for_terminals_that_want_them(front: Front):
    tree(front, a=TOKEN)

    assert "a:1:1: \x1b[1;31mcritical\x1b[0m " in on_a_terminal(front, "scan")[1]
    assert "\x1b" not in front("scan").out.decode()


def test_names_cannot_move_the_cursor(front: Front):
    (front.cwd / "a\x1b[2J\n").write_text(TOKEN)

    assert front("scan").out.startswith(b"a\\u{1b}[2J\\n:1:1: critical ")


def test_used_wrongly_it_says_how(front: Front):
    said = {
        arguments: front("scan", *arguments).err.splitlines()[0].removeprefix("armorer-guard: ")
        for arguments in [
            ("--max-size", "many"),
            ("--threads", "0"),
            ("--min-severity", "huge"),
            ("--json", "--sarif"),
            ("--update-baseline",),
            ("--verbose",),
        ]
    }
    assert list(said.values()) == [
        "`--max-size many` is not a size",
        "`--threads 0` is not a number from 1 to 256",
        "unknown severity `huge`",
        "`--json` and `--sarif` exclude each other",
        "`--update-baseline` needs `--baseline FILE`",
        "invalid option '--verbose'",
    ]
    assert all(front("scan", *arguments).code == 2 for arguments in said)


def test_an_interrupt_ends_it_at_once(front: Front):
    def hears() -> None:
        """A shell starts what runs in its background with interrupts ignored, and that is handed down."""
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    with front.start("scan", "-", preexec_fn=hears) as process:
        # One that comes before the program has replaced its parent's image is lost, so it is sent until it is heard.
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            process.send_signal(signal.SIGINT)
            time.sleep(0.05)

        assert process.poll() == -signal.SIGINT
