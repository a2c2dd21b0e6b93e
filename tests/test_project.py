"""The project as a whole: what importing costs, which floor imports which, and that its files agree with each other."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("remalis_envs", "remalis_agents")
IMPORT_LIMIT_S = 0.7
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK_LINES = [line for line in (ROOT / "requirements.lock").read_text().splitlines() if not line.startswith("#")]


def python(code: str) -> str:
    """Runs code in a fresh interpreter and returns what it prints."""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def imports(path: Path) -> Iterator[str]:
    """Yields the absolute names that a module imports anywhere in it, also inside functions."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def offenders(folder: str, forbidden: tuple[str, ...], allowed: tuple[str, ...] = ()) -> list[str]:
    """Lists `file: import` for each forbidden import below a folder, outside the allowed paths."""
    found = []
    for path in sorted((ROOT / folder).rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        if name.startswith(allowed or ("//",)):
            continue
        found += [f"{name}: {i}" for i in imports(path) if any(i == f or i.startswith(f + ".") for f in forbidden)]
    return found


def locked() -> dict[str, str]:
    """Returns the locked version of each package, by canonical name."""
    return {canonicalize_name(name): version for name, _, version in (line.partition("==") for line in LOCK_LINES)}


# What importing costs


def test_importing_the_environments_is_quick() -> None:
    # CPU time, user and system: on a loaded machine a process waits, and its wall time says nothing.
    code = "import time; t = time.process_time(); import remalis_envs; print(time.process_time() - t)"
    seconds = []
    for _ in range(8):  # the best of several: other tests run beside this one, in the same caches of the processor
        seconds.append(float(python(code)))
        if seconds[-1] < IMPORT_LIMIT_S:
            break
    assert min(seconds) < IMPORT_LIMIT_S


def test_importing_the_environments_pulls_in_nothing_heavy() -> None:
    heavy = ("torch", "ray", "remalis_agents", "matplotlib", "PIL", "imageio", "pandas", "scipy", "sumolib", "libsumo")
    loaded = python("import sys, remalis_envs; print(*{name.split('.')[0] for name in sys.modules})").split()
    assert not set(heavy) & set(loaded)


@pytest.mark.parametrize("module", ["remalis_agents", "remalis_agents.cli", "remalis_agents.networks.remalis"])
def test_language_models_are_imported_by_those_who_have_one(module: str) -> None:
    loaded = python(f"import sys, {module}; print(*{{name.split('.')[0] for name in sys.modules}})").split()
    assert not {"transformers", "peft", "tokenizers"} & set(loaded)


# Which floor imports which


def test_environments_never_use_what_learns() -> None:
    assert not offenders("remalis_envs", ("torch", "ray", "remalis_agents"))


def test_networks_know_torch_but_not_ray() -> None:
    assert not offenders("remalis_agents/networks", ("ray", "remalis_agents.rllib"))


def test_language_models_stand_below_networks() -> None:
    higher = ("remalis_agents.rllib", "remalis_agents.networks")
    assert not offenders("remalis_agents/language", ("ray", *higher))


def test_controllers_need_neither() -> None:
    higher = ("remalis_agents.rllib", "remalis_agents.networks")
    assert not offenders("remalis_agents/controllers", ("torch", "ray", *higher))


def test_rllib_has_one_door() -> None:
    assert not offenders("remalis_agents", ("ray.rllib",), allowed=("remalis_agents/rllib/",))


# Requirements


def test_every_import_is_declared() -> None:
    """A package that is only there because another one needs it may be gone with that one's next release."""
    declared = {canonicalize_name(Requirement(text).name) for text in PROJECT["dependencies"]}
    declared |= {canonicalize_name(Requirement(text).name) for text in PROJECT["optional-dependencies"]["llm"]}
    distributions = importlib.metadata.packages_distributions()
    undeclared = []
    for path in (path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        for top in {name.split(".")[0] for name in imports(path)} - set(sys.stdlib_module_names) - set(PACKAGES):
            # Installers give a package no single name: PIL comes from pillow, sumo from eclipse-sumo.
            if not declared & {canonicalize_name(name) for name in distributions.get(top, [top])}:
                undeclared.append(f"{path.relative_to(ROOT)}: {top}")
    assert not undeclared


def test_lock_meets_every_requirement() -> None:
    versions = locked()
    groups = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    for requirement in (Requirement(text) for group in groups for text in group):
        version = versions.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement.name} is in pyproject.toml but not in requirements.lock"
        assert requirement.specifier.contains(version), f"requirements.lock has {requirement.name} {version}"


def test_lock_installs_on_any_machine() -> None:
    """Only pins: no host, path, option or local build label, and nothing of CUDA, which torch brings by itself."""
    for line in LOCK_LINES:
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9A-Za-z.]*", line), f"not a plain pin: {line}"
        assert not re.match(r"(nvidia|cuda|triton|pip=)", line, re.IGNORECASE), f"belongs to one machine: {line}"
    assert len(locked()) == len(LOCK_LINES)
    assert "://" not in (ROOT / "requirements.lock").read_text()


def test_lock_is_complete() -> None:
    """Follows what the installed packages ask for: each requirement that holds on this machine has a fitting pin."""
    versions = locked()
    for name in versions:
        try:
            asked = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue  # this environment was not made from the lock file
        if importlib.metadata.version(name).partition("+")[0] != versions[name]:
            continue
        for requirement in map(Requirement, asked):
            other = canonicalize_name(requirement.name)
            if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
                continue
            version = versions.get(other, "0")
            if not re.match(r"(nvidia|cuda|triton)", other):
                assert requirement.specifier.contains(version, prereleases=True), f"{name} needs {requirement}"


# Packaging and files that name each other


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of the files in a wheel built from a copy, so that no build folder appears beside the sources."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for package in PACKAGES:
        if (ROOT / package).exists():
            shutil.copytree(ROOT / package, source / package, ignore=shutil.ignore_patterns("__pycache__"))
    options = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", str(out)]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, str(source)], check=True, capture_output=True)
    return set(zipfile.ZipFile(next(out.glob("*.whl"))).namelist())


def test_wheel_holds_every_file_of_the_packages(wheel: set[str]) -> None:
    """Modules, shipped configurations and templates alike: what works from a clone works from a wheel."""
    expected = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    missing = sorted(expected - wheel)
    assert not missing, f"not in the wheel (is there an __init__.py beside them?): {missing}"
    assert {f"{package}/py.typed" for package in PACKAGES} <= wheel
    assert any(name.startswith("remalis_agents/configs/") and name.endswith(".yaml") for name in wheel)


def test_one_version_everywhere() -> None:
    versions = re.findall(r"^## (\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert versions[0] == PROJECT["version"]
    assert python("import remalis_envs; print(remalis_envs.__version__)") == PROJECT["version"]


def test_dockerfile_names_make_targets_that_exist() -> None:
    text = (ROOT / "Dockerfile").read_text()
    targets = re.findall(r"^RUN make (.+)$", text, re.MULTILINE)
    targets += re.findall(r'^CMD \["make", "(.+)"\]', text, re.MULTILINE)
    assert {"venv", "browser"} <= set(targets)
    for target in targets:
        assert subprocess.run(["make", "--dry-run", *target.split()], cwd=ROOT, capture_output=True).returncode == 0


def test_documents_name_make_targets_that_exist() -> None:
    defined = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for document in ("README.md", "CONTRIBUTING.md", "Dockerfile"):
        named = set(re.findall(r"(?:^|`)(?:RUN )?make ([a-z-]+)", (ROOT / document).read_text(), re.MULTILINE))
        assert named <= defined, f"{document} names {sorted(named - defined)}"


def test_commands_lead_to_functions() -> None:
    for target in PROJECT["scripts"].values():
        module, _, function = target.partition(":")
        assert python(f"import {module}; print(callable({module}.{function}))") == "True"


def test_continuous_integration_runs_the_tests() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0
    assert script.read_text().rstrip().endswith("exec make test")
