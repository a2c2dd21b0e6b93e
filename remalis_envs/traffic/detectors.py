"""Detectors: what part of the traffic an intersection sees; the rest of the suite knows the truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from remalis_envs.traffic.engine.index import NetworkIndex
from remalis_envs.traffic.engine.readings import Vehicles


@dataclass(frozen=True)
class Detectors:
    """Properties of the detectors of a scenario; the default sees everything."""

    range_m: float = float("inf")
    """Cars farther from the stop line are not seen."""
    miss_rate: float = 0.0
    """Chance that a car is overlooked at a decision."""
    speed_noise_m_s: float = 0.0
    """Standard deviation of the error of a speed."""
    failure_rate_per_h: float = 0.0
    """Failures of an arm's detector an hour."""
    failure_s: float = 300.0
    """Mean length of a failure."""

    @property
    def perfect(self) -> bool:
        """Whether the agents see the truth."""
        return self == Detectors()


class DetectorField:
    """The detectors of one episode, with their own generator and their drawn failures."""

    def __init__(
        self, detectors: Detectors, index: NetworkIndex, rng: np.random.Generator, begin_s: float, end_s: float
    ) -> None:
        self.detectors, self.index, self._rng = detectors, index, rng
        rows = index.n_arm_rows
        per_arm = rng.poisson(detectors.failure_rate_per_h * (end_s - begin_s) / 3600.0, rows)
        arm = np.repeat(np.arange(rows), per_arm)
        start = rng.uniform(begin_s, end_s, len(arm))
        self._failures = (arm, start, start + rng.exponential(detectors.failure_s, len(arm)))
        # Detectors stand at their own junction: on a road between two signals both ends have one, and the far one
        # is of no use to this end. The distance is therefore always to the stop line downstream.
        self._after_m = index.distance_after_m + np.concatenate(
            [index.lane_length_m, np.zeros(index.n_codes - index.n_lanes)]
        )

    def working(self, now_s: float) -> npt.NDArray[np.bool_]:
        """Bool ``(N * MAX_ARMS,)``: arms that exist and whose detector works."""
        arm, start, end = self._failures
        ok = self.index.arm_exists.copy()
        ok[arm[(start <= now_s) & (now_s < end)]] = False
        return ok

    def see(self, vehicles: Vehicles, ok: npt.NDArray[np.bool_]) -> tuple[Vehicles, npt.NDArray[np.bool_]]:
        """The vehicles as measured, and which of them are seen, bool ``(V,)``."""
        spec, n = self.detectors, len(vehicles.ids)
        keep = self._rng.random(n) >= spec.miss_rate
        if np.isfinite(spec.range_m):
            arm = self.index.in_arm[vehicles.code]
            far = self._after_m[vehicles.code] - vehicles.position_m > spec.range_m
            keep &= ~(far & (arm < self.index.n_arm_rows))
        keep &= np.append(ok, True)[self.index.in_arm[vehicles.code]]
        noise = self._rng.normal(0.0, spec.speed_noise_m_s, n) if spec.speed_noise_m_s else 0.0
        # A queued car is not taken for a moving one: presence loops tell standing cars apart by occupancy.
        moving = vehicles.speed_m_s >= 0.1
        speed = np.where(moving, np.maximum(vehicles.speed_m_s + noise, 0.1), vehicles.speed_m_s)
        measured = Vehicles(
            vehicles.ids, vehicles.code, speed, vehicles.wait_s, vehicles.position_m, vehicles.emergency
        )
        return measured, keep
