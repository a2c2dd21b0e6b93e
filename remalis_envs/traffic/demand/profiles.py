"""Demand profiles: how many vehicles and pedestrians a level sends, and how their number changes with time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from remalis_envs.errors import RemalisError, unknown

Shape = Literal["steady", "waves", "jumps", "spikes"]
LEAST_S = 1.0
"""Nothing that is drawn lasts less."""
_AMOUNTS = (
    *("rate_low_veh_s", "rate_high_veh_s", "persons_per_s", "bus_share", "lorry_share", "emergency_share"),
    *("uturn_share", "od_spread", "od_period_s", "trip_scale_s", "ramp_s", "spike_s", "speed_factor_dev"),
)
_RANGES = ("wave_period_s", "hold_s", "spike_gap_s")

RATE_STEP_S = 10.0
"""Length of the pieces that a changing rate is cut into."""


@dataclass(frozen=True)
class DemandProfile:
    """What an episode's demand is drawn from; plain data, the same for every network.

    The rate of arrivals is a function of time that is drawn anew for each episode and stays within
    [``rate_low_veh_s``, ``rate_high_veh_s``], whole network together:

    - ``steady``: ``rate_low_veh_s`` throughout;
    - ``waves``: two sine waves of drawn period and phase, scaled to reach from the low to the high bound;
    - ``jumps``: levels drawn uniformly, each held for a drawn time and reached by a short ramp;
    - ``spikes``: ``rate_low_veh_s``, and ``rate_high_veh_s`` for ``spike_s`` at drawn times.
    """

    shape: Shape
    rate_low_veh_s: float
    rate_high_veh_s: float
    persons_per_s: float = 0.0
    """Pedestrians on networks that have crossings, whole network together."""
    bus_share: float = 0.0
    lorry_share: float = 0.0
    emergency_share: float = 0.0
    uturn_share: float = 0.0
    """Share of trips that turn round and leave where they came in; 0 on networks without such routes."""
    od_spread: float = 0.0
    """Standard deviation of the logarithm of the drawn weights of entries and exits; 0: all alike."""
    od_period_s: float = 0.0
    """How long drawn weights last before new ones are drawn (turning shares change); 0: the whole episode."""
    trip_scale_s: float = 0.0
    """Gravity: an exit's weight falls by e for each ``trip_scale_s`` of free-flow travel time; 0: no effect."""
    wave_period_s: tuple[float, float] = (600.0, 1500.0)
    hold_s: tuple[float, float] = (60.0, 300.0)
    ramp_s: float = 30.0
    spike_s: float = 120.0
    spike_gap_s: tuple[float, float] = (480.0, 900.0)
    """Drawn time from the end of one spike to the start of the next."""
    speed_factor_dev: float = 0.1
    """Standard deviation of drivers' chosen speed over the limit; cut at two standard deviations."""

    def __post_init__(self) -> None:
        if self.shape not in get_args(Shape):
            raise unknown("shape of a demand profile", self.shape, get_args(Shape))
        for name in _AMOUNTS:
            value = getattr(self, name)
            number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
            if not number or not 0.0 <= value < math.inf:
                raise RemalisError(f"{name} of a demand profile is a number of 0 or more, not {value!r}.")
        for name in _RANGES:
            low, high = getattr(self, name)
            if not LEAST_S <= low <= high < math.inf:
                raise RemalisError(
                    f"{name} of a demand profile is (least, most), {LEAST_S:g} s or more, not {low, high}."
                )
        if not self.rate_low_veh_s <= self.rate_high_veh_s:
            raise RemalisError(
                f"A demand profile needs rate_low_veh_s <= rate_high_veh_s, "
                f"but they are {self.rate_low_veh_s} and {self.rate_high_veh_s}."
            )
        if 0.0 < self.od_period_s < LEAST_S:
            raise RemalisError(f"od_period_s of a demand profile is 0 or {LEAST_S:g} or more, not {self.od_period_s}.")
        shares = (self.bus_share, self.lorry_share, self.emergency_share, self.uturn_share)
        if sum(shares[:3]) > 1.0 or self.uturn_share > 1.0:
            raise RemalisError(f"Shares of vehicle types and of U-turns lie in [0, 1], but they are {shares}.")


@dataclass(frozen=True)
class Rate:
    """A rate that is constant on pieces: ``values[k]`` vehicles per second on [``times_s[k]``, ``times_s[k+1]``)."""

    times_s: NDArray[np.float64]
    """Shape (k + 1,), ascending."""
    values_veh_s: NDArray[np.float64]
    """Shape (k,)."""

    def at(self, time_s: float) -> float:
        """Rate at a time inside the episode, in vehicles per second."""
        index = int(np.searchsorted(self.times_s, time_s, side="right")) - 1
        return float(self.values_veh_s[min(max(index, 0), len(self.values_veh_s) - 1)])

    @property
    def expected_veh(self) -> float:
        """Expected number of vehicles over the whole time."""
        return float(np.dot(np.diff(self.times_s), self.values_veh_s))


def draw_rate(profile: DemandProfile, rng: np.random.Generator, begin_s: float, end_s: float) -> Rate:
    """Draw an episode's rate of arrivals.

    Args:
        profile: What to draw from.
        rng: The episode's generator for the rate; nothing else is drawn from.
        begin_s: Start of the demand.
        end_s: End of the demand.
    """
    if profile.shape == "spikes":
        return _spikes(profile, rng, begin_s, end_s)
    if profile.shape == "steady":
        return Rate(np.array([begin_s, end_s]), np.array([profile.rate_low_veh_s]))
    edges = np.append(np.arange(begin_s, end_s, RATE_STEP_S), end_s)
    middle = (edges[:-1] + edges[1:]) / 2.0 - begin_s
    unit = _waves(profile, rng, middle) if profile.shape == "waves" else _jumps(profile, rng, middle)
    span = profile.rate_high_veh_s - profile.rate_low_veh_s
    return Rate(edges, profile.rate_low_veh_s + span * np.clip(unit, 0.0, 1.0))


def _waves(profile: DemandProfile, rng: np.random.Generator, time_s: NDArray[np.float64]) -> NDArray[np.float64]:
    long_s = rng.uniform(*profile.wave_period_s)
    short_s = long_s * rng.uniform(0.25, 0.45)
    phases = rng.uniform(0.0, 2.0 * np.pi, 2)
    # 0.65 + 0.35: the sum reaches either bound only when both waves do.
    wave: NDArray[np.float64] = 0.65 * np.sin(2 * np.pi * time_s / long_s + phases[0])
    wave += 0.35 * np.sin(2 * np.pi * time_s / short_s + phases[1])
    wave *= 0.5
    wave += 0.5
    return wave


def _jumps(profile: DemandProfile, rng: np.random.Generator, time_s: NDArray[np.float64]) -> NDArray[np.float64]:
    starts, levels, now = [0.0], [rng.uniform()], 0.0
    while now < time_s[-1]:
        now += max(rng.uniform(*profile.hold_s), profile.ramp_s)
        level = rng.uniform()
        starts += [now, now + profile.ramp_s]
        levels += [levels[-1], level]
    result: NDArray[np.float64] = np.interp(time_s, starts, levels)
    return result


def _spikes(profile: DemandProfile, rng: np.random.Generator, begin_s: float, end_s: float) -> Rate:
    times, values = [begin_s], [profile.rate_low_veh_s]
    # The first spike comes at half a gap at the earliest, so that a network is not met empty by it.
    now = begin_s + rng.uniform(0.5, 1.0) * profile.spike_gap_s[1]
    while now + profile.spike_s <= end_s:
        times += [now, now + profile.spike_s]
        values += [profile.rate_high_veh_s, profile.rate_low_veh_s]
        now += profile.spike_s + rng.uniform(*profile.spike_gap_s)
    return Rate(np.array([*times, end_s]), np.array(values))


PROFILES: dict[str, DemandProfile] = {
    "easy": DemandProfile("steady", 0.5, 0.5),
    "medium": DemandProfile("waves", 0.5, 2.0, persons_per_s=0.4, od_spread=0.5, od_period_s=600.0),
    "hard": DemandProfile(
        "jumps",
        0.1,
        3.0,
        persons_per_s=0.4,
        bus_share=0.06,
        lorry_share=0.1,
        od_spread=0.6,
        od_period_s=450.0,
        trip_scale_s=120.0,
    ),
    "hell": DemandProfile(
        "spikes",
        2.0,
        8.0,
        persons_per_s=0.4,
        bus_share=0.05,
        lorry_share=0.08,
        emergency_share=0.01,
        uturn_share=0.02,
        od_spread=0.6,
        od_period_s=450.0,
        trip_scale_s=60.0,
    ),
}
"""The four levels' demand."""
