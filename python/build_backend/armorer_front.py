"""
Building the native front: a static program at a fixed address whose hot paths lie together.

Static and at a fixed address, which Linux alone has, it starts in half the time; with the functions of a hook beside
each other in another fifth less.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
#: Where maturin takes scripts from.
SCRIPTS = ROOT / "armorer_guard.data" / "scripts"
FRONT = "armorer-guard.exe" if os.name == "nt" else "armorer-guard"
#: Flags of rustc for the front alone.
FLAGS = ["-Ctarget-feature=+crt-static", "-Crelocation-model=static"] if sys.platform == "linux" else []
#: The functions of its hot paths in the order in which they should lie; benches/order.py writes it.
ORDER = Path(__file__).with_name("front.order")


def cargo_front(flags: list[str]) -> Path:
    """
    Build the native front; these flags of rustc are for it alone.

    Everything below it is built once, for it and for the extension.

    Raises:
        RuntimeError: There is no Rust toolchain.
        subprocess.CalledProcessError: cargo failed; its own output says why.
    """
    command = ["cargo", "rustc", "--release", "--locked", "--bin", "armorer-guard"]
    try:
        done = subprocess.run(
            [*command, "--message-format=json-render-diagnostics", "--", *flags],
            cwd=ROOT,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
    except FileNotFoundError:
        raise RuntimeError("building armorer-guard takes a Rust toolchain: `cargo` is not on PATH") from None
    made = [message["executable"] for message in map(json.loads, done.stdout.splitlines()) if message.get("executable")]
    return Path(made[-1])


def order_flags() -> list[str]:
    """
    The flags that lay the functions of the hook beside each other; none where the linker cannot.

    `front.order` names them. The linker that comes with Rust takes such a list. Whether it can be used here, only
    linking tells, so the smallest program is linked first, from this folder, where the same configuration of cargo
    holds.
    """
    said = subprocess.run(["rustc", "--print=target-libdir"], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    linker = Path(said.stdout.strip()).with_name("bin") / "gcc-ld"
    listed = ORDER.read_bytes()
    # Under a name that says what is in it: cargo links again when the list is another.
    target = ROOT / os.environ.get("CARGO_TARGET_DIR", "target")
    target.mkdir(parents=True, exist_ok=True)
    kept = target / f"front-{hashlib.sha256(listed).hexdigest()[:16]}.order"
    kept.write_bytes(listed)
    arguments = [f"-B{linker}", "-fuse-ld=lld", f"-Wl,--symbol-ordering-file={kept}", "-Wl,--no-warn-symbol-ordering"]
    flags = [f"-Clink-arg={argument}" for argument in arguments]
    with tempfile.TemporaryDirectory() as folder:
        crate = Path(folder)
        (crate / "Cargo.toml").write_text('[package]\nname = "probe"\nedition = "2024"\n[workspace]\n')
        (crate / "src").mkdir()
        (crate / "src" / "main.rs").write_text("fn main() {}\n")
        command = ["cargo", "rustc", "--quiet", "--offline", "--manifest-path", str(crate / "Cargo.toml")]
        done = subprocess.run(
            [*command, "--target-dir", str(crate / "target"), "--", *FLAGS, *flags],
            cwd=ROOT,
            check=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    return flags if done.returncode == 0 else []


def build_front() -> None:
    """
    Build the native front and lay it where maturin takes scripts from.

    Raises:
        RuntimeError: There is no Rust toolchain.
        subprocess.CalledProcessError: cargo failed; its own output says why.
    """
    made = cargo_front([*FLAGS, *order_flags()] if FLAGS else [])
    SCRIPTS.mkdir(parents=True, exist_ok=True)
    shutil.copy2(made, SCRIPTS / FRONT)
