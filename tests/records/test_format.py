"""FORMAT.md says what the programs do."""

from __future__ import annotations

import re
from pathlib import Path

from armorer_guard.records import models, verify

from .conftest import GOLDEN, digest

FORMAT = Path(verify.__file__).with_name("FORMAT.md").read_text(encoding="utf-8")


def test_the_table_of_verdicts_is_that_of_the_verifier():
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \| (.*?) \|$", FORMAT, flags=re.MULTILINE)

    assert {(name, int(code), meaning) for name, code, meaning in rows} == {
        (kind.name, kind.exit_code, kind.meaning) for kind in verify.VERDICTS.values()
    }


def test_every_member_of_the_envelope_is_explained():
    table = FORMAT[FORMAT.index("## Envelope") : FORMAT.index("## Kinds")]

    assert set(re.findall(r"`(\w+)`(?=[^|]*\|[^|]*\|)", table)) >= set(models.Record.model_fields)


def test_the_hash_of_a_golden_line_comes_out_by_the_words():
    line = sorted(GOLDEN.rglob("runs/*.jsonl"))[0].read_bytes().split(b"\n")[0]
    store = (GOLDEN / "id").read_text().strip()
    run = sorted(GOLDEN.rglob("runs/*.jsonl"))[0].stem
    prev = digest(f"armorer-genesis/1\n{store}\n{run}".encode())

    found = digest(b"armorer-record/1\n" + prev.encode() + line[:-82])
    assert line[-82:] == f',"hash":"{found}"}}'.encode()
    assert "exactly 82 bytes" in FORMAT


def test_the_derived_run_id_comes_out_by_the_words():
    import hashlib
    import uuid

    raw = bytearray(hashlib.sha256(b"armorer-run/1\nclaude-code\nsession-1").digest()[:16])
    raw[6], raw[8] = raw[6] & 0x0F | 0x80, raw[8] & 0x3F | 0x80

    assert str(uuid.UUID(bytes=bytes(raw))) == "28308659-b352-8427-8898-e4670ea8ee16"
