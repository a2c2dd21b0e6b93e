"""The true global state, for critics that see everything: every arm's traffic and every signal as one vector."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from remalis_envs.traffic.engine.index import NetworkIndex
from remalis_envs.traffic.engine.readings import Counts
from remalis_envs.traffic.engine.signals import SignalTimes
from remalis_envs.traffic.network.model import MAX_ARMS, MAX_PHASES
from remalis_envs.traffic.observations import GREEN_SCALE_S, VEHICLE_SCALE, WAIT_SCALE_S

STATE_FEATURES = MAX_ARMS * 5 + 3
"""Numbers an intersection adds to the global state."""


def global_state(
    index: NetworkIndex, truth: Counts, current: npt.NDArray[np.int64], times: SignalTimes
) -> npt.NDArray[np.float32]:
    """Float32 ``(N * STATE_FEATURES,)``: for each intersection its arms' traffic, then phase, green and change."""
    arms = np.stack(
        [
            truth.arm_queue / VEHICLE_SCALE,
            truth.arm_vehicles / VEHICLE_SCALE,
            truth.arm_speed_share,
            truth.arm_wait_s / WAIT_SCALE_S,
            truth.exit_vehicles * index.per_out_capacity[:-1],
        ],
        axis=-1,
    ).reshape(index.n_agents, -1)
    signals = np.stack([current / MAX_PHASES, times.elapsed_s / GREEN_SCALE_S, times.in_transition], axis=-1)
    return np.concatenate([arms, signals], axis=1).astype(np.float32).reshape(-1)
