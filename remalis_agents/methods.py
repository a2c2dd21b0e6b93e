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


LEARNERS = {"ppo": "the policy-gradient learner", "replay": "the value-based learner"}

METHODS: dict[str, Method] = {
    "TeamPPO": Method("", "ppo", "team PPO with the network that rl_module.network names"),
    "IPPO": Method("ippo", "ppo", "independent PPO, no messages"),
    "MAPPO": Method("mappo", "ppo", "PPO with a critic that sees the whole team, no messages"),
    "CommNet": Method("commnet", "ppo", "the mean of what neighbours think, in rounds"),
    "IC3Net": Method("ic3net", "ppo", "CommNet with memory and a learned gate on what is sent"),
    "TarMAC": Method("tarmac", "ppo", "attention to those neighbours whose messages fit a query"),
    "MAGIC": Method("magic", "ppo", "a learned graph of who listens to whom, and attention along it"),
    "HAMMER": Method("hammer", "ppo", "a central messenger sees everything and sends each agent a short message"),
    "CMAT": Method("cmat", "ppo", "a latent consensus of all agents, given which all act at once as one agent"),
    "MFPPO": Method("mean_field", "ppo", "policies that answer to the mean of their neighbours' policies"),
    "OneBit": Method("one_bit", "ppo", "one bit from each agent to its neighbours: the least communication"),
    "CLAM": Method("clam", "ppo", "contrastive models of the neighbours from the own view, no messages"),
    "SingleAgent": Method("single_agent", "ppo", "one agent that sees and controls all, with as many parameters"),
    "ReMALIS": Method("remalis", "ppo", "agents tell each other what they intend, and revise it by what became of it"),
    "TeamReplay": Method("", "replay", "team Q-learning with the network that rl_module.network names"),
    "IDQN": Method("idqn", "replay", "independent Q-learning with double and duelling estimates, no messages"),
    "DGN": Method("dgn", "replay", "two layers of attention to neighbours, regularised over time"),
    "CoLight": Method("colight", "replay", "attention to neighbouring lights"),
    "MPLight": Method("mplight", "replay", "pressure, and phases that compete in pairs"),
    "LToS": Method("ltos", "replay", "neighbours learn to share their rewards"),
}
"""Every name is also a trainable of Ray's, once :mod:`remalis_agents.rllib` is imported."""
