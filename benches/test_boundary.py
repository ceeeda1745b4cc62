"""The Python boundary, measured beside a call that does nothing. Run by `benches/run.py`."""

from __future__ import annotations

import time
from typing import Any

import pytest

import armorer_guard

COMMAND = "cd packages/server && npm run build -- --mode production 2>&1 | tee build.log && git add -A && git status"
ARGUMENTS = {"command": COMMAND, "description": "Build the server for production", "timeout": 120000}


@pytest.fixture
def measured(benchmark: Any) -> Any:
    """pytest-benchmark with the processor clock of this thread, so that other processes do not count."""
    benchmark._timer = time.thread_time
    return benchmark


def test_nothing(measured: Any) -> None:
    measured(len, ARGUMENTS)


def test_check_not_recorded(measured: Any) -> None:
    guard = armorer_guard.Guard(record=False)
    decision = measured(guard.check, "Bash", ARGUMENTS, cwd="/home/user/project")
    assert decision.effect == "allow"


def test_check_recorded(measured: Any, tmp_path: Any) -> None:
    guard = armorer_guard.Guard(home=tmp_path)
    decision = measured(guard.check, "Bash", ARGUMENTS, cwd="/home/user/project", run="bench")
    assert decision.recorded


def test_scan_clean_350_bytes(measured: Any) -> None:
    text = ("The build passed on the second try; see the log of the first for the flaky test. " * 5)[:350]
    assert measured(armorer_guard.scan, text).findings == []
