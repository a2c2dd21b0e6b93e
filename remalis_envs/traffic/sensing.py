"""An intersection's own last outcome as its detectors tell it, where they do not see everything."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from remalis_envs.traffic.engine.index import NetworkIndex
from remalis_envs.traffic.engine.readings import Counts, Vehicles
from remalis_envs.traffic.observer import SignalView
from remalis_envs.traffic.outcomes import Events
from remalis_envs.traffic.rewards import Reward, RewardInputs
from remalis_envs.traffic.served import Served


def outcome_seen(
    served: Served,
    reward: Reward,
    told: SignalView,
    events: Events,
    counts: Counts,
    waiting_s: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]],
    crossing_served: npt.NDArray[np.bool_] | None,
    working: npt.NDArray[np.bool_],
) -> SignalView:
    """``told`` with the outcome that could be known at the roadside instead of the true one.

    Cars that leave are counted by loops at the stop lines, which see every car, but none where the arm's detector is
    out. The reward is worked out from the detectors' counts; parts of it that no detector measures count nothing.

    Args:
        served: what tells sub-goals.
        reward: what the agents are paid.
        told: the signals' own state and the true outcome.
        events: what the interval brought.
        counts: what the detectors report.
        waiting_s: waiting of the cars that are seen, by intersection, now and at the last decision.
        crossing_served: as in :meth:`Served.subgoals`; people at crossings push a button.
        working: bool ``(N * MAX_ARMS,)``, detectors that work.
    """
    seen = Events(np.where(working, events.discharged, 0), events.cleared)
    inputs = RewardInputs(served.index, counts, seen, *waiting_s, np.zeros(served.index.n_agents))
    subgoal = served.subgoals(seen, counts, crossing_served)
    return SignalView(told.current, told.times, subgoal, reward.as_measured(inputs), seen.discharged_by_agent)


def waiting_by_agent(
    index: NetworkIndex, vehicles: Vehicles, keep: npt.NDArray[np.bool_] | None = None
) -> npt.NDArray[np.float64]:
    """Seconds since they last moved, summed over the cars on each intersection's approaches, ``(N,)``.

    Args:
        index: the network's tables.
        vehicles: the cars.
        keep: which of them count; None for all.
    """
    code, wait_s = vehicles.code, vehicles.wait_s
    if keep is not None:
        code, wait_s = code[keep], wait_s[keep]
    rows = np.bincount(index.in_arm[code], weights=wait_s, minlength=index.n_arm_rows + 1)[: index.n_arm_rows]
    total: npt.NDArray[np.float64] = rows.reshape(index.n_agents, -1).sum(axis=1)
    return total
