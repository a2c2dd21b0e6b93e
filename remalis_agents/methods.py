"""The methods that ``run:`` in a YAML file may name: which learner and which network each one is.

Names only, so that a file can be checked without importing torch or Ray, which takes seconds.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Method:
    """One method.

    Attributes:
        network: the network's registered name; "" where the experiment must name one.
        learner: ``"ppo"`` for the policy-gradient learner, ``"replay"`` for the value-based one.
        title: what it is, in a few words.
    """

    network: str
    learner: str
    title: str


METHODS: dict[str, Method] = {
    "TeamPPO": Method("", "ppo", "team PPO with the network that rl_module.network names"),
    "IPPO": Method("ippo", "ppo", "independent PPO, no messages"),
}
"""Every name is also a trainable of Ray's, once :mod:`remalis_agents.rllib` is imported."""
