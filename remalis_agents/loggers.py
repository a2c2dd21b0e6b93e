"""Where training figures go besides TensorBoard and CSV: Weights & Biases and MLflow, through Ray's own callbacks."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from remalis_agents.configs.schema import ConfigError, LoggersSection


def logger_callbacks(loggers: LoggersSection) -> list[Any]:
    """Tune callbacks of the loggers that an experiment asks for.

    Raises:
        ConfigError: a logger's package is not installed, or does not take these options.
    """
    made: list[Any] = []
    if loggers.wandb is not None:
        _check_installed("wandb")
        from ray.air.integrations.wandb import WandbLoggerCallback

        made.append(_make(WandbLoggerCallback, "wandb", loggers.wandb))
    if loggers.mlflow is not None:
        _check_installed("mlflow")
        from ray.air.integrations.mlflow import MLflowLoggerCallback

        made.append(_make(MLflowLoggerCallback, "mlflow", loggers.mlflow))
    return made


def _check_installed(package: str) -> None:
    if find_spec(package) is None:
        raise ConfigError(
            f"The experiment logs to {package}, which is not installed: pip install {package}, or leave "
            f"loggers.{package} out. TensorBoard files and progress.csv are always written."
        )


def _make(kind: Any, name: str, options: dict[str, Any]) -> Any:
    try:
        return kind(**options)
    except TypeError as error:
        raise ConfigError(f"loggers.{name} is not accepted: {error}") from None
