"""`redact`: the text without its secrets, every other byte as it was, from any source into any target."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import resource
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import Front, call, github_token, on_a_terminal

TOKEN = github_token()


def mark(front: Front) -> bytes:
    """What stands for the token after a word when there is no store."""
    got = front("redact", "--no-tags", stdin=f"x {TOKEN}")
    assert got.out.startswith(b"x [redacted:secrets.") and got.out.endswith(b"]")
    return got.out.removeprefix(b"x ")


def reported(err: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in err.splitlines()]


def test_a_pipe_keeps_every_byte_but_the_secret(front: Front):
    before, after = b"\xff\x00 caf\xc3\xa9 ", b"\r\n\x1b[0m no line feed at the end"
    got = front("redact", stdin=before + TOKEN.encode() + after)

    assert (got.code, got.err) == (0, "")
    assert got.out == before + mark(front) + after


def test_nothing_in_nothing_out(front: Front):
    assert front("redact") == front("redact", "-") == type(front("redact"))(0, b"", "")


def test_redacting_twice_changes_nothing(front: Front):
    once = front("redact", stdin=f"a {TOKEN} b").out

    assert front("redact", stdin=once).out == once
    assert front("redact", "--check", stdin=once).code == 0


def test_files_come_one_after_the_other_and_standard_input_where_it_stands(front: Front):
    (front.cwd / "a").write_text(f"1 {TOKEN}\n")
    (front.cwd / "b").write_text("2\n")

    assert front("redact", "a", "-", "b", stdin="in\n").out == b"1 " + mark(front) + b"\nin\n2\n"


@pytest.mark.parametrize("order", ["utf-16-le", "utf-16-be"])
def test_utf_16_stays_utf_16(front: Front, order: str):
    text = "\ufeffkey 🔑 = %s\r\n"
    half = b"\x61"
    got = front("redact", stdin=(text % TOKEN).encode(order) + half)

    assert got.out == (text % mark(front).decode()).encode(order) + half


def stream(seed: int, megabytes: float) -> bytes:
    """Lines of all lengths with secrets anywhere, some of them across lines, some lines longer than a window."""
    chosen = random.Random(seed)
    filler = bytes(chosen.randrange(33, 127) for _ in range(100_000)).replace(b"_", b"-")
    parts, size = [], 0
    while size < megabytes * 1_000_000:
        length = chosen.choice([10, 80, 80, 300, 5_000, 70_000])
        at = chosen.randrange(len(filler) - length)
        separator = chosen.choice([b"\n", b"\n", b" ", b"\r\n", b"\t"])
        secret = chosen.choice([b"", b"", TOKEN.encode(), github_token(chosen.randrange(50)).encode()])
        piece = filler[at : at + length] + separator + (b"k=" + secret if secret else b"") + separator
        parts.append(piece)
        size += len(piece)
    return b"".join(parts)


def test_a_long_stream_loses_its_secrets_and_nothing_else(front: Front):
    text = stream(7, 13)
    got = front("redact", "--no-tags", stdin=text)
    secrets = {TOKEN, *(github_token(seed) for seed in range(50))}
    expected = re.sub("|".join(sorted(secrets)).encode(), mark(front), text)

    assert got.code == 0
    assert got.out == expected
    assert expected.count(mark(front)) > 100


def test_a_key_block_that_is_cut_off_does_not_hide_the_next_one(front: Front):
    chosen = random.Random(5)
    digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    body = "".join(chosen.choice(digits) for _ in range(640))
    label = "RSA PRIVATE" + " KEY-----"
    text = f"-----BEGIN {label}\nMIIE...\n\nlater: x {TOKEN} x\n\n-----BEGIN {label}\n{body}\n-----END {label}\nend\n"
    got = front("redact", "--no-tags", stdin=text).out.decode()

    assert body[:40] not in got and TOKEN not in got
    assert got.endswith("\nend\n") and "\n\nlater: x [redacted:secrets." in got


def test_memory_stays_flat(front: Front):
    """A stream of 200 MB goes through in the memory of one window."""
    line = b"2026-01-01T00:00:00Z info request served in 3 ms, all is well, nothing to see here at all\n"
    with front.start("redact", stdout=subprocess.DEVNULL) as process:
        assert process.stdin is not None
        for _ in range(200):
            process.stdin.write(line * (1_000_000 // len(line)))
        peak = next(
            int(line.split()[1])
            for line in Path(f"/proc/{process.pid}/status").read_text().splitlines()
            if line.startswith("VmHWM:")
        )
        process.stdin.close()

        assert process.wait(timeout=120) == 0
    assert peak < 19 * 1024, f"{peak} KiB"


def test_in_place_the_file_keeps_its_permissions_and_its_clean_neighbours_their_times(front: Front):
    (front.cwd / "a").write_text(f"x {TOKEN}\n")
    (front.cwd / "a").chmod(0o640)
    (front.cwd / "b").write_text("clean\n")
    os.utime(front.cwd / "b", (1, 1))
    inode = (front.cwd / "b").stat().st_ino
    got = front("redact", "--in-place", "a", "b")

    assert (got.code, got.out, got.err) == (0, b"", "")
    assert (front.cwd / "a").read_bytes() == b"x " + mark(front) + b"\n"
    assert stat.S_IMODE((front.cwd / "a").stat().st_mode) == 0o640
    assert ((front.cwd / "b").stat().st_mtime, (front.cwd / "b").stat().st_ino) == (1, inode)
    assert sorted(path.name for path in front.cwd.iterdir()) == ["a", "b"]


def test_in_place_through_a_link_the_link_stays_a_link(front: Front):
    (front.cwd / "real").write_text(f"x {TOKEN}")
    (front.cwd / "link").symlink_to("real")
    assert front("redact", "-i", "link").code == 0

    assert (front.cwd / "link").is_symlink()
    assert (front.cwd / "real").read_bytes() == b"x " + mark(front)


def test_on_a_full_disk_the_file_stays_as_it_was(front: Front):
    text = f"{TOKEN}\n" * 1000
    (front.cwd / "a").write_text(text)
    got = front("redact", "-i", "a", prepare=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)))

    assert got.code == 2
    assert "`a` cannot be written: " in got.err
    assert (front.cwd / "a").read_text() == text
    assert [path.name for path in front.cwd.iterdir()] == ["a"]


def test_an_output_file_is_whole_or_not_there(front: Front):
    (front.cwd / "a").write_text(f"x {TOKEN}")
    assert front("redact", "-o", "out", "a").code == 0
    assert (front.cwd / "out").read_bytes() == b"x " + mark(front)

    got = front("redact", "-o", "other", "a", "missing")
    assert got.code == 2
    assert "`missing` cannot be read: " in got.err
    assert sorted(path.name for path in front.cwd.iterdir()) == ["a", "out"]


def test_check_writes_nothing_and_tells(front: Front):
    (front.cwd / "a").write_text(TOKEN)
    (front.cwd / "b").write_text("clean")
    got = front("redact", "--check", "b", "a")
    assert (got.code, got.out, got.err) == (1, b"", "")
    assert (front.cwd / "a").read_text() == TOKEN

    assert front("redact", "--check", "b").code == 0
    assert front("redact", "--check", "missing", "a").code == 2


def test_the_report_tells_every_replacement_and_no_value(front: Front):
    (front.cwd / "a").write_text(f"ä\n  {TOKEN} {github_token(1)}\n")
    got = front("redact", "--json", "a", "missing")
    first, second, failed, last = reported(got.err)

    assert got.code == 2
    rule = first["rule"]
    assert isinstance(rule, str) and rule.startswith("secrets.")
    start = len("ä\n  ".encode())
    assert first == {"rule": rule, "path": "a", "line": 2, "column": 3, "start": start, "end": start + 40, "tag": None}
    assert second == first | {"column": 44, "start": start + 41, "end": start + 81}
    assert failed == {
        "error": "`missing` cannot be read: No such file or directory (os error 2)",
        "path": "missing",
    }
    assert last == {"summary": {"inputs": 1, "bytes": start + 82, "replaced": 2, "errors": 1}}
    assert TOKEN[4:] not in got.err


def test_the_report_goes_into_a_file_too(front: Front):
    got = front("redact", "--report", "report.jsonl", stdin=TOKEN)
    lines = reported((front.cwd / "report.jsonl").read_text())

    assert (got.code, got.err) == (0, "")
    assert [list(line) for line in lines] == [
        ["rule", "path", "line", "column", "start", "end", "tag"],
        ["summary"],
    ]


def test_with_a_store_equal_values_have_equal_tags(front: Front):
    text = f"x {TOKEN} {github_token(1)} {TOKEN}"
    assert [line.get("tag") for line in reported(front("redact", "--json", stdin=text).err)[:3]] == [None] * 3
    assert not front.home.exists(), "a filter makes no store"

    front("check", stdin=call("ls"))
    tagged = front("redact", "--json", stdin=text)
    first, second, third = (line["tag"] for line in reported(tagged.err)[:3])
    assert isinstance(first, str) and len(first) == 32
    assert first == third != second
    assert tagged.out.count(first.encode()) == 2

    bare = front("redact", "--no-tags", "--json", stdin=text)
    assert bare.out == b"x " + b" ".join([mark(front)] * 3)


def test_by_lines_each_line_comes_at_once(front: Front):
    with front.start("redact", "--lines") as process:
        assert process.stdin is not None and process.stdout is not None
        answers = []
        for line in (b"one\n", b"x " + TOKEN.encode() + b"\n", b"three\n"):
            process.stdin.write(line)
            answers.append(process.stdout.readline())
        process.stdin.close()

        assert answers == [b"one\n", b"x " + mark(front) + b"\n", b"three\n"]
        assert process.wait(timeout=60) == 0


def test_a_reader_that_goes_away_ends_it_quietly(front: Front):
    with front.start("redact") as process:
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        process.stdout.close()
        with contextlib.suppress(BrokenPipeError):
            for _ in range(20):
                process.stdin.write(b"some text\n" * 100_000)

        assert process.wait(timeout=60) == 2
        assert process.stderr.read() == b""


def test_rules_can_be_chosen(front: Front):
    assert front("redact", "--exclude-rule", "secrets", stdin=TOKEN).out == TOKEN.encode()
    assert front("redact", "--rule", "secrets", stdin=f"x {TOKEN}").out == b"x " + mark(front)
    got = front("redact", "--rule", "sekrets", stdin=TOKEN)
    assert (got.code, got.out) == (2, b"")
    assert "no rule or family is named `sekrets`" in got.err


def test_personal_data_is_replaced_when_asked_however_much_there_is(front: Front):
    addresses = [f"anna.{number}.berg@mail{number % 7}.test.org" for number in range(5000)]
    text = "".join(f"from {address} on\n" for address in addresses)
    assert front("redact", stdin=text).out == text.encode()

    got = front("redact", "--pii", "--no-tags", stdin=text)
    assert got.out == b"from [redacted:pii.email] on\n" * 5000
    assert len(front("scan", "--json", "-", stdin=text).answer["findings"]) == 5000


def test_long_work_shows_its_progress_on_a_terminal_only(front: Front, tmp_path: Path):
    def slowly() -> Iterator[bytes]:
        for _ in range(3):
            yield b"some text that goes on and on\n" * 200_000
            time.sleep(0.4)

    code, seen = on_a_terminal(front, "redact", "-o", str(tmp_path / "out"), stdin=slowly())

    assert code == 0
    assert re.search(r"^\r\x1b\[K[0-9.]+ MB, [0-9.]+ MB/s, 0 found", seen), seen
    assert seen.endswith("\r\x1b[K"), "the line goes away"
    with front.start("redact", "-o", str(tmp_path / "out")) as process:
        assert process.stdin is not None and process.stderr is not None
        for piece in slowly():
            process.stdin.write(piece)
        process.stdin.close()
        assert (process.wait(timeout=60), process.stderr.read()) == (0, b"")


def test_used_wrongly_it_says_how(front: Front):
    said = {
        arguments: front("redact", *arguments).err.splitlines()[0].removeprefix("armorer-guard: ")
        for arguments in [
            ("--in-place",),
            ("--in-place", "-"),
            ("--check", "-o", "x"),
            ("-", "-"),
            ("--json", "--report", "x"),
            ("--verbose",),
        ]
    }
    assert list(said.values()) == [
        "`--in-place` takes files, and standard input is none",
        "`--in-place` takes files, and standard input is none",
        "`--output`, `--in-place` and `--check` exclude each other",
        "standard input can be read once only",
        "there is one report: on standard error with `--json`, or in a file with `--report`",
        "invalid option '--verbose'",
    ]
    assert all(front("redact", *arguments).code == 2 for arguments in said)
