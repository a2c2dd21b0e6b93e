"""The examples run as they are."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

import remalis_envs

EXAMPLES = Path(__file__).parent.parent / "examples"


def test_the_quickstart_notebook_runs() -> None:
    notebook = nbformat.read(EXAMPLES / "quickstart.ipynb", as_version=4)
    assert 'traffic_v0(level="hard"' in notebook.cells[1].source
    NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(EXAMPLES)}}
    ).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    text = "".join(output.get("text", "") for output in outputs)
    assert "64 agents" in text
    assert "Phases that may be chosen now" in text
    assert float(text.split("mean_delay_s")[1].split()[0]) > 0
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    assert len(pictures) == 2


SCRIPTS = {
    "torchrl_rollout.py": ("torchrl", "tensordict"),
    "stable_baselines3_supersuit.py": ("stable_baselines3", "supersuit"),
}


def _environment_uses(function: ast.FunctionDef) -> set[str]:
    """Attributes that ``function`` asks of the variables that it builds with ``traffic_v0``."""
    built = {
        target.id
        for node in ast.walk(function)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)
        for target in node.targets
        if isinstance(target, ast.Name) and getattr(node.value.func, "id", None) == "traffic_v0"
    }
    return {
        node.attr
        for node in ast.walk(function)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in built
    }


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_uses_only_what_exists(script: str) -> None:
    tree = ast.parse((EXAMPLES / script).read_text())
    compile(tree, script, "exec")
    imported = [
        (node.module, name.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("remalis")
        for name in node.names
    ]
    assert ("remalis_envs", "traffic_v0") in imported
    for module, name in imported:
        assert hasattr(importlib.import_module(module), name), f"{script}: {module} has no {name}"
    options = {
        keyword.arg
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "traffic_v0"
        for keyword in node.keywords
    }
    assert options <= set(inspect.signature(remalis_envs.traffic_v0).parameters)
    uses = set().union(*(_environment_uses(node) for node in tree.body if isinstance(node, ast.FunctionDef)))
    assert {"metrics"} <= uses
    env = remalis_envs.traffic_v0(level="easy")
    assert not {name for name in uses if not hasattr(env, name)}


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_runs(script: str) -> None:
    for package in SCRIPTS[script]:
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed; examples/README.md says how")
    run = subprocess.run(
        [sys.executable, EXAMPLES / script], cwd=EXAMPLES.parent, capture_output=True, text=True, timeout=300
    )
    assert run.returncode == 0, run.stderr
    assert re.search(r"of (9|18) traffic lights", run.stdout)
    assert "had to replace: 0\n" in run.stdout
    assert float(re.search(r"mean delay (?:so far )?([\d.]+) s", run.stdout)[1]) > 0  # type: ignore[index]
