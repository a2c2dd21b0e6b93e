"""Tuned experiments as YAML, and the schema that checks them."""

from __future__ import annotations

from remalis_agents.configs.loader import gpu_configs, load_experiment, parse_experiment, shipped_configs
from remalis_agents.configs.schema import ConfigError, Experiment

__all__ = ["ConfigError", "Experiment", "gpu_configs", "load_experiment", "parse_experiment", "shipped_configs"]
