"""Keeps Ray's notices out of the display: what a user must know is said by the commands themselves."""

from __future__ import annotations

import logging
import os


def hush_ray() -> None:
    """Silences Ray's loggers, here and in the workers that are started after this."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    os.environ.setdefault("RAY_AIR_NEW_OUTPUT", "0")
    os.environ.setdefault("PYTHONWARNINGS", "ignore::DeprecationWarning")
    import ray.rllib  # its import sets its own level
    import ray.tune

    for name in (ray.rllib.__name__, "ray._common.deprecation"):
        logging.getLogger(name).setLevel(logging.ERROR)
    # Tune prints the stack of a failed trial; the commands say the cause in a sentence.
    logging.getLogger(ray.tune.__name__).setLevel(logging.CRITICAL)
