"""Kernels are compiled once, kept on disk where that can be, and depend on nothing that Numba would not notice."""

from __future__ import annotations

import ast
import builtins
import inspect
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

import remalis_envs.compiled as module
from remalis_envs import traffic_v0
from remalis_envs.compiled import compiled

SUM = """
import sys
import numpy as np
from remalis_envs.compiled import compiled
sys.path.insert(0, sys.argv[1])
from kernels import total
fast = compiled(total, np.zeros(3))
assert fast(np.arange(4.0)) == 6.0
print(sum(fast.stats.cache_hits.values()))
"""


def kernels() -> list:
    """All kernels of a traffic environment."""
    env = traffic_v0(level="easy", backend="inline")
    env.reset(seed=0)
    env.close()
    return list(module._ready)


def test_kernels_read_nothing_but_their_arguments() -> None:
    """Numba keeps machine code by the kernel's own file, so a constant of another would stay in it for ever."""
    found = kernels()
    assert len(found) >= 7
    for kernel in found:
        tree = ast.parse(textwrap.dedent(inspect.getsource(kernel))).body[0]
        assert isinstance(tree, ast.FunctionDef)
        body = ast.Module(tree.body, [])
        names = [node for node in ast.walk(body) if isinstance(node, ast.Name)]
        own = {arg.arg for arg in tree.args.args} | {node.id for node in names if isinstance(node.ctx, ast.Store)}
        foreign = {node.id for node in names} - own - set(dir(builtins))
        assert not foreign, f"{kernel.__qualname__} reads {foreign}"


def run(folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    (folder / "kernels.py").write_text("def total(values):\n    return values.sum()\n")
    command = [sys.executable, "-c", SUM, str(folder)]
    return subprocess.run(command, env={**os.environ, **environ}, capture_output=True, text=True, timeout=120)


def test_a_later_process_loads_what_an_earlier_one_compiled(tmp_path: Path) -> None:
    hits = [run(tmp_path, NUMBA_CACHE_DIR=str(tmp_path / "cache")).stdout.strip() for _ in range(2)]
    assert hits == ["0", "1"]


def test_where_nothing_can_be_kept_it_is_compiled_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """No folder that Numba could write to: it would refuse to compile what is to be kept."""
    import numba
    from numba.core.caching import CompileResultCacheImpl

    def thrice(values: np.ndarray) -> float:
        return 3.0 * values.sum()

    monkeypatch.setattr(CompileResultCacheImpl, "_locator_classes", [])
    with pytest.raises(RuntimeError, match="cannot cache"):
        numba.njit(cache=True)(thrice)
    assert compiled(thrice, np.zeros(1))(np.ones(3)) == 9.0


def test_a_full_disk_costs_the_cache_not_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    from numba.core.caching import IndexDataCacheFile

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    def twice(values: np.ndarray) -> float:
        return 2.0 * values.sum()

    monkeypatch.setattr(IndexDataCacheFile, "save", full)
    assert compiled(twice, np.zeros(1))(np.ones(3)) == 6.0
