"""The build of the native front: its hot paths lie together where the linker can, and it builds without that too."""

from __future__ import annotations

import importlib
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python" / "build_backend"))
armorer_front = importlib.import_module("armorer_front")
pytestmark = pytest.mark.skipif(not shutil.which("cargo"), reason="takes a Rust toolchain")


def test_a_linker_that_takes_no_list_is_given_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CARGO_TARGET_DIR", str(tmp_path))
    monkeypatch.setenv("RUSTFLAGS", "-Clinker=false")
    assert armorer_front.order_flags() == []


def test_the_list_names_the_hook_and_lies_under_a_name_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    listed = armorer_front.ORDER.read_text(encoding="ascii")
    ours = [name for name in listed.splitlines() if "armorer_guard" in name]
    assert len(ours) > 300
    assert "main" in listed.splitlines()
    monkeypatch.setenv("CARGO_TARGET_DIR", str(tmp_path))
    flags = armorer_front.order_flags()
    if flags:
        kept = next(flag.split("=")[-1] for flag in flags if "symbol-ordering-file" in flag)
        assert Path(kept).read_text(encoding="ascii") == listed
        assert Path(kept).parent == tmp_path
