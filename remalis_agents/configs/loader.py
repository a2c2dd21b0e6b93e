"""Reads experiment files: shipped or the user's own, with changes from the command line."""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from remalis_agents.configs.ranges import check_ranges
from remalis_agents.configs.reading import check_name, read_yaml
from remalis_agents.configs.schema import AlgorithmSections, ConfigError, Experiment, StopSection, build
from remalis_agents.configs.training import ONLY_FOR
from remalis_agents.imitation.options import check_stage
from remalis_agents.methods import LEARNERS, METHODS
from remalis_envs.errors import unknown

CONFIG_DIR = Path(__file__).parent
_FILES = ("scenario", "routes", "protocol", "demand", "phases", "begin_s")
"""Options of an environment on files, which none on a level has."""
_SECTIONS = tuple(AlgorithmSections.__dataclass_fields__)
_STOP_NAMES = {"time_total_s": "time_s", "timesteps_total": "env_steps", "num_env_steps_sampled_lifetime": "env_steps"}
"""Ray's names, for people who know them."""


def shipped_configs() -> dict[str, Path]:
    """Name (file name without ending) and path of each shipped experiment."""
    return {path.stem: path for path in sorted(CONFIG_DIR.glob("*.yaml"))}


def gpu_configs() -> dict[str, Path]:
    """The twins of the shipped experiments that learn on a GPU, by name: that of the experiment, and ``_gpu``."""
    return {path.stem: path for path in sorted((CONFIG_DIR / "gpu").glob("*.yaml"))}


def load_experiment(path: str | Path, changes: Iterable[str] = ()) -> tuple[str, Experiment]:
    """Reads one experiment.

    Args:
        path: a YAML file, or the name of a shipped one.
        changes: ``"key=value"`` with dotted keys, such as ``"training.lr=1e-3"`` or ``"stop.time_s=60"``.

    Returns:
        The experiment's name and the checked experiment.

    Raises:
        ConfigError: the file cannot be read, or does not fit the schema.
    """
    name, body = read_body(path)
    return name, check_body(name, body, changes)


def read_body(path: str | Path) -> tuple[str, dict[str, Any]]:
    """What a file says of its one experiment, with its ``base`` filled in and nothing checked.

    Args:
        path: a YAML file, or the name of a shipped one.

    Returns:
        The experiment's name and its keys.

    Raises:
        ConfigError: the file cannot be read, or does not hold one experiment.
    """
    file = _find(path)
    name, body = _whole_body(_read(file), str(file))
    return name, _with_whole_paths(body, file.parent)


def check_body(name: str, body: dict[str, Any], changes: Iterable[str] = ()) -> Experiment:
    """The experiment that a body describes after changes.

    Args:
        name: of the experiment, for messages.
        body: as :func:`read_body` gives it; it is left as it is.
        changes: as :func:`load_experiment` takes them.

    Raises:
        ConfigError: the body does not fit the schema.
    """
    changed = dict(body)
    for change in changes:
        _apply(changed, change)
    changed = _with_whole_paths(changed, Path())
    experiment = build(Experiment, _with_our_stops(changed), name)
    _check_run(experiment)
    check_ranges(experiment)
    return experiment


def _find(path: str | Path) -> Path:
    file = Path(path)
    shipped = shipped_configs() | gpu_configs()
    if not os.path.exists(file):  # Path.exists() has errors of its own for what cannot be a path
        if file.stem not in shipped:
            near = difflib.get_close_matches(file.stem, shipped, n=1, cutoff=0.5)
            hint = f" Did you mean the shipped {near[0]!r}?" if near else ""
            raise ConfigError(
                f"There is no experiment file {str(path)!r}.{hint} `rllib train --list` shows the shipped."
            )
        file = shipped[file.stem]
    return file


def _read(file: Path) -> Any:
    try:
        return read_yaml(file.read_text(encoding="utf-8"))
    except (ConfigError, UnicodeDecodeError, OSError) as error:
        raise ConfigError(f"{file} cannot be read as YAML: {' '.join(str(error).split())}") from None


def parse_experiment(data: Any, changes: Iterable[str] = (), source: str = "the experiment") -> tuple[str, Experiment]:
    """Checks ``{name: {env, run, stop, config}}``, as :func:`load_experiment` does.

    With ``base: other`` an experiment begins as another one, a file or a shipped one, whose keys it adds to or
    replaces; mappings are merged, all else is replaced.
    """
    name, body = _whole_body(data, source)
    return name, check_body(name, body, changes)


def _whole_body(data: Any, source: str) -> tuple[str, dict[str, Any]]:
    name, body = _body(data, source)
    return name, _with_our_stops(_with_base(body, (name,)))


def _with_our_stops(body: dict[str, Any]) -> dict[str, Any]:
    stop = body.get("stop")
    if not isinstance(stop, dict):
        return body
    return {**body, "stop": {_STOP_NAMES.get(key, key): value for key, value in stop.items()}}


def _body(data: Any, source: str) -> tuple[str, dict[str, Any]]:
    if not isinstance(data, dict) or len(data) != 1:
        found = f"{len(data)} entries" if isinstance(data, dict) else f"{data!r}"
        raise ConfigError(f"{source} must hold one experiment, {{name: {{env: ..., run: ...}}}}, but it holds {found}.")
    name, body = next(iter(data.items()))
    if body is not None and not isinstance(body, dict):
        raise ConfigError(f"{name} must be a mapping of keys to values, but it is {body!r}.")
    return check_name(name), dict(body or {})


def _with_base(body: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """A body with what it says to begin with filled in."""
    base = body.pop("base", None)
    if base is None:
        return body
    if not isinstance(base, str):
        raise ConfigError(f"{names[-1]}.base must be the name of another experiment, but it is {base!r}.")
    file = _find(base)
    name, other = _body(_read(file), str(file))
    if name in names:
        raise ConfigError(f"{names[-1]} has itself as its base: {' -> '.join((*names, name))}.")
    return _merged(_of_another_world(_with_base(other, (*names, name)), body), body)


def _env_config(body: dict[str, Any]) -> dict[str, Any]:
    """The environment's options in a body; empty where it has none, or none that could be."""
    found: Any = body
    for key in ("config", "environment", "env_config"):
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def _of_another_world(base: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """A base without its world, where the experiment names another: a level and files exclude each other."""
    given = _env_config(own)
    dropped = ("level",) if given.get("scenario") else _FILES if given.get("level") else ()
    if not any(key in _env_config(base) for key in dropped):
        return base
    kept = {key: value for key, value in _env_config(base).items() if key not in dropped}
    config = base["config"]
    return {**base, "config": {**config, "environment": {**config["environment"], "env_config": kept}}}


def _with_whole_paths(body: dict[str, Any], folder: Path) -> dict[str, Any]:
    """A body whose files are named from anywhere: those beside its YAML file, or else where the command was given."""
    options = _env_config(body)
    whole = {key: _whole(options[key], folder) for key in ("scenario", "routes") if key in options}
    return _merged(body, {"config": {"environment": {"env_config": whole}}}) if whole else body


def _whole(value: Any, folder: Path) -> Any:
    if isinstance(value, list):
        return [_whole(one, folder) for one in value]
    if not isinstance(value, str):
        return value
    try:
        found = [place / value for place in (folder, Path()) if (place / value).is_file()]
    except (OSError, ValueError):  # what cannot be a path is said by who opens it
        return value
    return str(found[0].absolute()) if found else value


def _merged(base: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in own.items():
        inner = merged.get(key)
        merged[key] = _merged(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return merged


def parse_stop(text: str) -> list[str]:
    """``--stop`` JSON as changes: ``{"time_s": 60}`` gives ``["stop.time_s=60"]``."""
    keys = list(StopSection.__dataclass_fields__)
    try:
        stop, fault = read_yaml(text), ""  # JSON is YAML
    except ConfigError as error:
        stop, fault = None, f": {error}"
    if not isinstance(stop, dict):
        raise ConfigError(
            f"--stop must be JSON such as '{{\"time_s\": 60}}' with keys {', '.join(keys)}, but it is {text!r}{fault}"
            + "." * (not fault)
        )
    for key in stop:
        if key not in (*keys, *_STOP_NAMES):
            raise unknown("key in --stop", key, keys)
    try:
        return [f"stop.{key}={json.dumps(value, default=str)}" for key, value in stop.items()]
    except (TypeError, ValueError, RecursionError):
        raise ConfigError(f"--stop takes a number for each key, but it is {text!r}.") from None


def _apply(body: dict[str, Any], change: str) -> None:
    key, equals, text = change.partition("=")
    parts = key.strip().split(".")
    if not equals or not all(parts):
        raise ConfigError(f"--set takes key=value, such as training.lr=1e-3, but it got {change!r}.")
    if parts[0] in _SECTIONS:
        parts = ["config", *parts]
    place = body
    for part in parts[:-1]:
        inner = place.get(part)
        if inner is not None and not isinstance(inner, dict):
            raise ConfigError(f"--set {change!r} goes into {part!r}, which holds the value {inner!r}.")
        place[part] = dict(inner or {})
        place = place[part]
    try:
        place[parts[-1]] = read_yaml(text)
    except ConfigError as error:
        raise ConfigError(f"--set {change}: the value is not YAML: {error}") from None


def _check_run(experiment: Experiment) -> None:
    # Names only: the classes behind them take seconds to import.
    if experiment.run not in METHODS:
        raise unknown("method (run)", experiment.run, list(METHODS))
    if not METHODS[experiment.run].network and not experiment.config.rl_module.network:
        raise ConfigError(f"run: {experiment.run} needs the name of a network: give rl_module.network.")
    check_stage(experiment)
    learner = METHODS[experiment.run].learner
    for other, keys in ONLY_FOR.items():
        given = [
            f"training.{k}" for k in keys if other != learner and getattr(experiment.config.training, k) is not None
        ]
        if given:
            one = len(given) == 1
            raise ConfigError(
                f"{', '.join(given)} {'is a setting' if one else 'are settings'} of {LEARNERS[other]}, but "
                f"{experiment.run} is trained by {LEARNERS[learner]}: leave {'it' if one else 'them'} out."
            )
