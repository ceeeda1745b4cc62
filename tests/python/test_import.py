"""What `import armorer_guard` costs and promises."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import armorer_guard
from armorer_guard import _core

STUB = Path(armorer_guard.__file__).with_name("_core.pyi")


def test_importing_loads_no_heavy_module():
    """A hot path pays for the core alone."""
    code = (
        "import sys; before = set(sys.modules); import armorer_guard; "
        "print(*sorted(name for name in set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(STUB.parent.parent)!r}); {code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["armorer_guard", "armorer_guard._core"]


def test_the_package_is_typed():
    assert STUB.with_name("py.typed").exists()


def stub_classes() -> dict[str, ast.ClassDef]:
    tree = ast.parse(STUB.read_text())
    return {node.name: node for node in tree.body if isinstance(node, ast.ClassDef) and node.name != "Timings"}


def stub_functions() -> dict[str, ast.FunctionDef]:
    return {node.name: node for node in ast.parse(STUB.read_text()).body if isinstance(node, ast.FunctionDef)}


def public(names) -> set[str]:
    return {name for name in names if not name.startswith("_")}


def parameters(node: ast.FunctionDef) -> list[tuple[str, str, str | None]]:
    """Name, kind and default of each parameter of a stub, without self or cls."""
    arguments = node.args
    positional = [argument.arg for argument in arguments.posonlyargs + arguments.args]
    defaults = [None] * (len(positional) - len(arguments.defaults)) + [
        ast.unparse(value) for value in arguments.defaults
    ]
    rows = [
        (name, "positional", default)
        for name, default in zip(positional, defaults, strict=True)
        if name not in ("self", "cls")
    ]
    rows += [
        (argument.arg, "keyword", None if default is None else ast.unparse(default))
        for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    ]
    return rows


def real_parameters(function) -> list[tuple[str, str, str | None]]:
    """The same of the binary."""
    return [
        (
            parameter.name,
            "keyword" if parameter.kind is inspect.Parameter.KEYWORD_ONLY else "positional",
            None if parameter.default is inspect.Parameter.empty else repr(parameter.default),
        )
        for parameter in inspect.signature(function).parameters.values()
        if parameter.name != "self"
    ]


def test_the_stub_names_what_the_binary_has():
    stub = set(stub_classes()) | set(stub_functions())
    binary = {name for name in vars(_core) if not name.startswith("_")}
    assert stub == binary


@pytest.mark.parametrize("name", sorted(stub_classes()))
def test_each_class_of_the_stub_has_the_members_of_the_binary(name):
    real = getattr(_core, name)
    declared = {
        node.name if isinstance(node, ast.FunctionDef) else node.target.id
        for node in stub_classes()[name].body
        if isinstance(node, ast.FunctionDef | ast.AnnAssign)
    }
    if issubclass(real, BaseException):
        assert public(declared) <= {"kind"}
    else:
        assert public(declared) == public(vars(real))


@pytest.mark.parametrize("name", sorted(stub_functions()))
def test_each_function_of_the_stub_has_the_signature_of_the_binary(name):
    assert parameters(stub_functions()[name]) == real_parameters(getattr(_core, name))


@pytest.mark.parametrize("method", ["check", "check_text", "outcome"])
def test_each_method_of_the_guard_has_the_signature_of_the_binary(method):
    node = next(
        node for node in stub_classes()["Guard"].body if isinstance(node, ast.FunctionDef) and node.name == method
    )
    assert parameters(node) == real_parameters(getattr(_core.Guard, method))


def test_the_guard_is_made_as_the_stub_says():
    node = next(
        node for node in stub_classes()["Guard"].body if isinstance(node, ast.FunctionDef) and node.name == "__new__"
    )
    assert parameters(node) == real_parameters(_core.Guard)
