"""
What other scanners find in the same texts, where installed: gitleaks, Kingfisher, detect-secrets, redact-secret.

Nothing here is needed to measure our own. The command-line tools read one file for each text; of what they report the
value is looked up in its text, since they count lines and columns each in their own way. The Python ones are asked text
by text, in an interpreter that has them. Processor time is that of the whole process, start included.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

Ranges = list[tuple[int, int]]


@dataclass
class Peer:
    """What a peer found, by text, and how fast. Ranges are bytes of UTF-8, in order."""

    name: str
    found: dict[str, Ranges]
    megabytes_per_cpu_second: float


def _places(text: str, values: Iterable[str]) -> Ranges:
    """Every place where one of the values stands, in bytes."""
    data = text.encode()
    found = set()
    for value in filter(None, (value.encode() for value in values)):
        at = data.find(value)
        while at >= 0:
            found.add((at, at + len(value)))
            at = data.find(value, at + 1)
    return sorted(found)


def _gitleaks(program: str, folder: Path) -> Iterable[tuple[str, str]]:
    command = [program, "dir", str(folder), "-f", "json", "-r", "-", "--no-banner", "-l", "error"]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    for found in json.loads(said or "[]"):
        yield Path(found["File"]).name, found["Secret"]


def _kingfisher(program: str, folder: Path) -> Iterable[tuple[str, str]]:
    command = [program, "scan", str(folder), "--no-validate", "--no-update-check", "-f", "json"]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    for line in said.splitlines():
        findings = json.loads(line).get("findings") if line.startswith("{") else None
        for found in findings if isinstance(findings, list) else []:
            yield Path(found["finding"]["path"]).name, found["finding"]["snippet"]


_IN_PYTHON = {
    "detect-secrets": """
import json, sys
from detect_secrets.core.scan import scan_line
from detect_secrets.settings import default_settings
with default_settings():
    for line in sys.stdin:
        text = json.loads(line)
        values = [found.secret_value for part in text.splitlines() for found in scan_line(part)]
        print(json.dumps({"values": [value for value in values if value]}))
""",
    "redact-secret": """
import json, sys
import redact_secret
for line in sys.stdin:
    text = json.loads(line)
    print(json.dumps({"characters": [[found.start, found.end] for found in redact_secret.scan(text)]}))
""",
}
_MODULES = {"detect-secrets": "detect_secrets", "redact-secret": "redact_secret"}


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _ask_program(
    ask: Callable[[str, Path], Iterable[tuple[str, str]]], program: str, texts: list[str]
) -> dict[str, Ranges]:
    values: dict[str, list[str]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for index, text in enumerate(texts):
            (folder / f"{index}.txt").write_text(text, encoding="utf-8")
        for file, value in ask(program, folder):
            values.setdefault(file, []).append(value)
    return {text: _places(text, values.get(f"{index}.txt", ())) for index, text in enumerate(texts)}


def _ask_python(code: str, python: str, texts: list[str]) -> dict[str, Ranges]:
    lines = "".join(json.dumps(text) + "\n" for text in texts)
    said = subprocess.run([python, "-c", code], input=lines, capture_output=True, text=True, check=True).stdout
    found = {}
    for text, line in zip(texts, said.splitlines(), strict=True):
        answer = json.loads(line)
        if "values" in answer:
            found[text] = _places(text, answer["values"])
        else:
            found[text] = sorted(
                (len(text[:start].encode()), len(text[:end].encode())) for start, end in answer["characters"]
            )
    return found


def ask(texts: list[str], folders: str) -> tuple[list[Peer], list[str]]:
    """
    Have every peer that can be found look at the texts.

    Args:
        texts: What to look at.
        folders: Where programs, and a `python` that has the others, are looked for before `PATH`; as `PATH` is written.

    Returns:
        The peers, and the names of those that are not there.
    """
    path = os.pathsep.join([folders, os.environ.get("PATH", "")])
    python = shutil.which("python", path=folders) or shutil.which("python3", path=path)
    texts = list(dict.fromkeys(texts))
    size = sum(len(text.encode()) for text in texts)
    jobs: dict[str, Callable[[], dict[str, Ranges]]] = {}
    missing = []
    for name, reader in (("gitleaks", _gitleaks), ("kingfisher", _kingfisher)):
        program = shutil.which(name, path=path)
        if program:
            jobs[name] = lambda reader=reader, program=program: _ask_program(reader, program, texts)
        else:
            missing.append(name)
    for name, code in _IN_PYTHON.items():
        probe = [python or "", "-c", f"import {_MODULES[name]}"]
        if python and subprocess.run(probe, capture_output=True, check=False).returncode == 0:
            jobs[name] = lambda code=code: _ask_python(code, python, texts)
        else:
            missing.append(name)
    peers = []
    for name, job in jobs.items():
        before = _cpu_seconds()
        found = job()
        peers.append(Peer(name, found, size / 1e6 / max(_cpu_seconds() - before, 1e-9)))
    return peers, missing
