"""City traffic lights as a cooperative team, on real SUMO.

Every signalised intersection is an agent. At each decision it chooses the phase to show next; SUMO moves the cars.

| | |
|---|---|
| Agents | one an intersection: 9 (easy), 25 (medium), 64 (hard), 100 or more (hell), or those of any map |
| Actions | ``Discrete(32)``, the phase to show; masked to the intersection's own phases and to its green times |
| Observations | ``Dict(observation=Box(-3, 3, (D,), float32), action_mask=Box(0, 1, (32,), int8))`` |
| Rewards | a float an agent and decision: minus the vehicle-seconds lost a second, over 20, unless you name another |
| End | truncated at ``horizon_s``; never terminated |
| State | float32 ``(N * 33,)``: the true traffic of every arm, and every signal |

**Actions.** Action k is phase k of ``env.phases(agent)``. A change shows yellow and all-red first, long enough for
the junction's size, and for pedestrians. Within the minimum green only the present phase is legal, at the maximum
only others. A masked action becomes the safe default (keep the phase, or go on to the next), with
``infos[agent]["masked"]``.

**Observations.** ``remalis_envs.traffic.observations`` names every number: a block for each phase (what it would
serve), for each arm clockwise from north, and for the intersection itself. It is the same vector on every map, so a
policy trained on nine intersections runs on a hundred and seventy-four.

**Rewards.** ``queue``, ``pressure``, ``diff_waiting_time``, ``delay``, ``speed``, ``emissions``, a mapping from these
to weights, or a function of :class:`remalis_envs.traffic.rewards.RewardInputs`; ``sumo_rl/...`` names give sumo-rl's
own numbers.

**Infos.** ``subgoal`` and ``concept`` are indices into ``env.subgoals`` and ``env.concepts``: what the last action
served and what it looked at, by what happened on the road. ``misaligned`` is the share of the intersection's dependent
pairs that were decided in the last interval and did not fit together (-1 for none), ``carried`` the vehicles that
crossed its stop lines in the last 60 s. They train and score, and never belong into a policy. ``infra_error`` is true
where the simulator died; ``env.infra_error`` says why.

| level | network | phases | arrivals, vehicles a second | more |
|---|---|---|---|---|
| easy | 3x3 grid | fewer than 10 | 0.5 | |
| medium | 5x5 grid | 10 to 15 | 0.5 to 2 | turning shares change, pedestrians cross |
| hard | 8x8, irregular | more than 15 | 0.1 to 3 | buses and lorries |
| hell | irregular, 3 to 6 arms | more than 25 | 2, spikes of 8 | detectors with range, noise and failures, \
incidents, weather, emergency vehicles, U-turns |

Version history: v0, the first.
"""

from __future__ import annotations

from remalis_envs.traffic.traffic_v0 import traffic_v0

__all__ = ["traffic_v0"]
