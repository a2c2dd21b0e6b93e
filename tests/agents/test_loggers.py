"""Loggers besides Ray's own: asked for and not installed is said at once; installed, Ray's callback is made."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from remalis_agents.configs.loader import load_experiment
from remalis_agents.configs.schema import ConfigError, LoggersSection
from remalis_agents.loggers import logger_callbacks
from remalis_agents.train import train

PACKAGES = {"wandb": {"project": "lights"}, "mlflow": {"experiment_name": "lights"}}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_logger_that_is_not_installed_stops_before_anything_starts(package, tmp_path):
    if find_spec(package):
        pytest.skip(f"{package} is installed")
    change = f"loggers.{package}={PACKAGES[package]}".replace("'", "")
    name, experiment = load_experiment("partners_ippo", [change])
    with pytest.raises(ConfigError, match=f"pip install {package}"):
        train(name, experiment, storage=tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("package", PACKAGES)
def test_a_logger_that_is_installed_is_rays_own(package):
    pytest.importorskip(package)
    (callback,) = logger_callbacks(LoggersSection(**{package: PACKAGES[package]}))
    assert type(callback).__module__.startswith("ray.air.integrations")
    with pytest.raises(ConfigError, match=f"loggers.{package}"):
        logger_callbacks(LoggersSection(**{package: {"projct": "lights"}}))


def test_nothing_is_asked_for_by_default():
    assert logger_callbacks(LoggersSection()) == []
