"""
The build backend: maturin's, which builds the extension, plus the native front in the same wheel.

A wheel's `<name>.data/scripts` is installed into `bin` as it is. maturin copies that folder from the source tree, so
the front is built there first. The front is a separate build: it never links Python, and on Linux it is static and at
a fixed address, which halves its start-up time.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import maturin

get_requires_for_build_wheel = maturin.get_requires_for_build_wheel
get_requires_for_build_editable = maturin.get_requires_for_build_editable
get_requires_for_build_sdist = maturin.get_requires_for_build_sdist
build_sdist = maturin.build_sdist

ROOT = Path(__file__).resolve().parent.parent.parent
SCRIPTS = ROOT / "armorer_guard.data" / "scripts"
FRONT = "armorer-guard.exe" if os.name == "nt" else "armorer-guard"


def host_target() -> str:
    """
    The target triple of the Rust toolchain in use.

    Raises:
        RuntimeError: There is no Rust toolchain.
    """
    try:
        said = subprocess.run(["rustc", "-vV"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    except FileNotFoundError:
        raise RuntimeError("building armorer-guard takes a Rust toolchain: `rustc` is not on PATH") from None
    return next(line.split(": ", 1)[1] for line in said.splitlines() if line.startswith("host: "))


@contextmanager
def front_beside() -> Iterator[None]:
    """
    Build the native front while the body runs, and lay it where maturin takes scripts from.

    Each of the two builds spends minutes in one thread, so they stand beside each other. That takes a target folder
    of its own: cargo lets one build at a time into a folder.

    Raises:
        subprocess.CalledProcessError: cargo failed; its own output says why.
    """
    target = os.environ.get("CARGO_BUILD_TARGET") or host_target()
    folder = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target") / "front"
    flags = os.environ.get("RUSTFLAGS", "")
    if target.endswith("linux-gnu"):
        flags += " -C target-feature=+crt-static -C relocation-model=static"
    # With --target, flags reach the front but not build scripts and macros, which cannot be static.
    command = ["cargo", "build", "--release", "--locked", "--bin", "armorer-guard", "--target", target]
    env = {**os.environ, "RUSTFLAGS": flags.strip(), "CARGO_TARGET_DIR": str(folder)}
    SCRIPTS.mkdir(parents=True, exist_ok=True)
    with subprocess.Popen(command, cwd=ROOT, env=env, stdout=sys.stderr) as cargo:
        try:
            yield
        except BaseException:
            cargo.terminate()
            raise
    if cargo.returncode:
        raise subprocess.CalledProcessError(cargo.returncode, command)
    shutil.copy2(folder / target / "release" / FRONT, SCRIPTS / FRONT)


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
    # maturin reads the scripts whenever it likes, so its first pass is for cargo's cache alone.
    with front_beside(), tempfile.TemporaryDirectory() as unused:
        maturin.build_wheel(unused, config_settings, metadata_directory)
    return str(maturin.build_wheel(wheel_directory, config_settings, metadata_directory))


def build_editable(
    wheel_directory: str,
    config_settings: dict[str, Any] | None = None,
    metadata_directory: str | None = None,
) -> str:
    """As build_wheel, with the Python sources linked instead of copied."""
    with front_beside(), tempfile.TemporaryDirectory() as unused:
        maturin.build_editable(unused, config_settings, metadata_directory)
    return str(maturin.build_editable(wheel_directory, config_settings, metadata_directory))
