"""
Finds the policies that apply and puts them in order: built-in, user, project, managed.

The only file of this package that knows where policies lie. A project's policy may only ask and deny until the user has
trusted its digest; a managed one must belong to root and be writable by nobody else.
"""

from __future__ import annotations

import hashlib
import json
import stat
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from armorer_guard.policy.compiler import CompiledPolicy, Layer, check, compile_layers
from armorer_guard.policy.problems import PolicyProblems, Problem
from armorer_guard.policy.source import read

BUILTIN = ("default", "strict", "observe")
"""The policies that ship."""
MANAGED = Path("/etc/armorer-guard/policy.yaml")
"""Where an administrator puts the policy of a machine."""
PROJECT = (".armorer-guard/policy.yaml", ".armorer-guard/policy.toml")
"""Where a project keeps its policy, below its root."""


@dataclass(frozen=True)
class Loaded:
    """A compiled policy and the files it was made from."""

    policy: CompiledPolicy
    layers: tuple[Layer, ...]


def builtin(name: str) -> dict[str, Any] | None:
    """
    The compiled form of a policy that ships; None for `none`.

    Raises:
        PolicyProblems: No such policy ships.
    """
    if name == "none":
        return None
    if name not in BUILTIN:
        raise PolicyProblems(
            [
                Problem(
                    name,
                    None,
                    "builtin_unknown",
                    f"no built-in policy is called `{name}`",
                    f"there are {', '.join(BUILTIN)}",
                )
            ]
        )
    from armorer_guard._core import builtin_policy

    found: dict[str, Any] = json.loads(builtin_policy(name))
    return found


def compile_builtin(path: Path) -> Loaded:
    """
    Compile the source of a policy that ships; what it stands on is read from beside it.

    Raises:
        PolicyProblems: Everything that is wrong with it.
    """
    layer = layer_of(path, "builtin", shown_as=f"builtin/{path.name}")
    name = layer.model.builtin
    below = compile_builtin(path.with_name(f"{name}.yaml")).policy.document if name not in (None, "none") else None
    return Loaded(compile_layers([layer], below), (layer,))


def layer_of(path: Path, name: str, *, trusted: bool = True, shown_as: str | None = None) -> Layer:
    """
    One file as a layer.

    Raises:
        PolicyProblems: It cannot be read, or its form is wrong.
    """
    source = read(path, shown_as=shown_as)
    return Layer(name, check(source), source, trusted)


def compile_files(
    *,
    user: Path | None = None,
    project: Path | None = None,
    managed: Path | None = None,
    project_trusted: bool = False,
    trusted_at: Path | None = None,
    below: str | None = None,
) -> Loaded:
    """
    Compile the policy that these files make together with the built-in one.

    Args:
        user: The user's own policy.
        project: The project's.
        managed: The administrator's.
        project_trusted: Whether the user has trusted the project's policy, whatever it says now.
        trusted_at: The guard's home, which holds what the user has trusted. The very bytes that are compiled are looked
            up there, so that a file that is changed meanwhile gains nothing.
        below: Which built-in policy lies below; what the highest file says when not given.

    Raises:
        PolicyProblems: Everything that is wrong with them.
    """
    layers: list[Layer] = []
    problems: list[Problem] = []
    for path, name in ((user, "user"), (project, "project"), (managed, "managed")):
        if path is None:
            continue
        try:
            if name == "managed":
                _demand_root_owned(path)
            layer = layer_of(path, name, trusted=name != "project" or project_trusted)
            if not layer.trusted and trusted_at is not None and layer.source.digest in _trusted(trusted_at):
                layer = replace(layer, trusted=True)
            layers.append(layer)
        except PolicyProblems as found:
            problems += found.problems
    if problems:
        raise PolicyProblems(problems)
    if below is None:
        said = [layer.model.builtin for layer in layers if layer.model.builtin is not None and layer.name != "project"]
        below = said[-1] if said else "default"
    return Loaded(compile_layers(layers, builtin(below)), tuple(layers))


def _demand_root_owned(path: Path) -> None:
    """
    A managed policy and the folders on its way belong to root, and nobody else can write them: those that its name goes
    through, and where that is a link, those of the file it leads to.
    """
    named = path.absolute()
    try:
        parts = [(part, part.stat()) for part in dict.fromkeys((path, *named.parents, *path.resolve().parents))]
    except OSError as error:
        raise PolicyProblems(
            [Problem(str(path), None, "file_unreadable", f"cannot be read: {error.strerror}")]
        ) from None
    for part, found in parts:
        sticky = stat.S_ISDIR(found.st_mode) and found.st_mode & stat.S_ISVTX
        if found.st_uid != 0 or (found.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not sticky):
            raise PolicyProblems(
                [
                    Problem(
                        str(path),
                        None,
                        "managed_writable",
                        f"`{part}` does not belong to root, or others may write it",
                        f"chown root:root {part} && chmod go-w {part}",
                    )
                ]
            )


def source_digest(path: Path) -> str:
    """`sha256:…` of a policy file as it is written: what trust is given to."""
    return f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


def _trust_path(home: Path) -> Path:
    return home / "policy" / "trusted.json"


def _trusted(home: Path) -> list[str]:
    try:
        found = json.loads(_trust_path(home).read_bytes())
    except FileNotFoundError:
        return []
    except (ValueError, OSError):
        # What cannot be read gives no trust.
        return []
    return [str(digest) for digest in found] if isinstance(found, list) else []


def is_trusted(path: Path, home: Path) -> bool:
    """Whether the user has trusted this policy file as it is now."""
    try:
        return source_digest(path) in _trusted(home)
    except OSError:
        return False


def trust(path: Path, home: Path) -> str:
    """
    Trust a policy file as it is now.

    Returns:
        Its digest.

    Raises:
        OSError: It could not be read, or the trust could not be written.
    """
    from armorer_guard.policy.activation import write_whole

    digest = source_digest(path)
    write_whole(_trust_path(home), json.dumps(sorted({*_trusted(home), digest})).encode() + b"\n")
    return digest


def project_file(root: Path) -> Path | None:
    """The policy of the project at *root*, when it has one."""
    return next((root / name for name in PROJECT if (root / name).is_file()), None)


def managed_file() -> Path | None:
    """The policy of this machine, when it has one."""
    return MANAGED if MANAGED.is_file() else None
