"""The README says what the committed results say, and its Python runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_its_tables_are_those_of_the_results() -> None:
    script = "import tables; text = tables.README.read_text(); assert tables.with_tables(text) == text, 'run tables.py'"
    subprocess.run([sys.executable, "-c", script], cwd=ROOT / "benchmarks", check=True)


def test_every_file_it_names_is_there() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
    for target in re.findall(r"`((?:benchmarks|examples|remalis_agents|remalis_envs)/[\w/.]+)`", README):
        assert (ROOT / target).exists(), target


def test_its_example_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    example = blocks[0].replace('level="hard"', 'level="hard", horizon_s=50')
    assert example != blocks[0]
    exec(compile(example, "README.md", "exec"), {})


def test_its_experiments_are_some() -> None:
    import yaml

    from remalis_agents.configs.loader import parse_experiment
    from remalis_agents.train import build_config

    town, own, parts = re.findall(r"```yaml\n(.*?)```", README, flags=re.DOTALL)
    _, experiment = parse_experiment(yaml.safe_load(town))
    assert experiment.config.environment.env_config["scenario"] == "town.net.xml", "and no level of its base's"
    _, experiment = parse_experiment(yaml.safe_load(own))
    assert experiment.config.rl_module.sharing == "by_type"
    assert build_config(experiment).num_learners == 2
    _, experiment = parse_experiment(yaml.safe_load(parts))
    assert experiment.run == "ReMALIS" and build_config(experiment).model_config["options"]["feedback"] is False


def test_it_names_every_method() -> None:
    from remalis_agents.methods import METHODS

    assert not [name for name in METHODS if f"`{name}`" not in README]


def test_every_option_line_builds_an_environment(tmp_path: Path) -> None:
    import remalis_envs

    lines = [line for line in re.findall(r"^remalis_envs\.traffic_v0\(.*?\)(?=\s+#|$)", README, flags=re.MULTILINE)]
    assert len(lines) >= 6
    for line in lines:
        if "my." not in line:
            env = eval(line, {"remalis_envs": remalis_envs})
            assert env.possible_agents
