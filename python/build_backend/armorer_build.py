"""
The build backend: maturin's, which builds the extension, plus the native front in the same wheel.

A wheel's `<name>.data/scripts` is installed into `bin` as it is. maturin copies that folder from the source tree, so
the front is built there first. It never links Python, and on Linux it is static and at a fixed address, which halves
its start-up time.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import maturin

get_requires_for_build_wheel = maturin.get_requires_for_build_wheel
get_requires_for_build_editable = maturin.get_requires_for_build_editable
get_requires_for_build_sdist = maturin.get_requires_for_build_sdist

ROOT = Path(__file__).resolve().parent.parent.parent
SCRIPTS = ROOT / "armorer_guard.data" / "scripts"
FRONT = "armorer-guard.exe" if os.name == "nt" else "armorer-guard"


def build_front() -> None:
    """
    Build the native front and lay it where maturin takes scripts from.

    On Linux it is static and at a fixed address. Only its own link is told so: everything below is built once, for it
    and for the extension.

    Raises:
        RuntimeError: There is no Rust toolchain.
        subprocess.CalledProcessError: cargo failed; its own output says why.
    """
    flags = ["-C", "target-feature=+crt-static", "-C", "relocation-model=static"] if sys.platform == "linux" else []
    command = [
        "cargo",
        "rustc",
        "--release",
        "--locked",
        "--bin",
        "armorer-guard",
        "--message-format=json-render-diagnostics",
        "--",
        *flags,
    ]
    try:
        done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    except FileNotFoundError:
        raise RuntimeError("building armorer-guard takes a Rust toolchain: `cargo` is not on PATH") from None
    made = [message["executable"] for message in map(json.loads, done.stdout.splitlines()) if message.get("executable")]
    SCRIPTS.mkdir(parents=True, exist_ok=True)
    shutil.copy2(made[-1], SCRIPTS / FRONT)


def build_sdist(sdist_directory: str, config_settings: dict[str, Any] | None = None) -> str:
    """As maturin's; the folder it looks for must exist by then."""
    SCRIPTS.mkdir(parents=True, exist_ok=True)
    return str(maturin.build_sdist(sdist_directory, config_settings))


def prepare_metadata_for_build_wheel(metadata_directory: str, config_settings: dict[str, Any] | None = None) -> str:
    """As maturin's; the folder it looks for must exist by then."""
    SCRIPTS.mkdir(parents=True, exist_ok=True)
    return str(maturin.prepare_metadata_for_build_wheel(metadata_directory, config_settings))


prepare_metadata_for_build_editable = prepare_metadata_for_build_wheel


def build_wheel(
    wheel_directory: str,
    config_settings: dict[str, Any] | None = None,
    metadata_directory: str | None = None,
) -> str:
    """Build one wheel with extension, package and front."""
    build_front()
    return str(maturin.build_wheel(wheel_directory, config_settings, metadata_directory))


def build_editable(
    wheel_directory: str,
    config_settings: dict[str, Any] | None = None,
    metadata_directory: str | None = None,
) -> str:
    """As build_wheel, with the Python sources linked instead of copied."""
    build_front()
    return str(maturin.build_editable(wheel_directory, config_settings, metadata_directory))
