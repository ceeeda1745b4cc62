"""
The build backend: maturin's, which builds the extension, plus the native front in the same wheel.

A wheel's `<name>.data/scripts` is installed into `bin` as it is. maturin copies that folder from the source tree, so
the front is built there first. It never links Python.
"""

from __future__ import annotations

from typing import Any

import maturin
from armorer_front import SCRIPTS, build_front

get_requires_for_build_wheel = maturin.get_requires_for_build_wheel
get_requires_for_build_editable = maturin.get_requires_for_build_editable
get_requires_for_build_sdist = maturin.get_requires_for_build_sdist


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
