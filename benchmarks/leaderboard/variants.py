"""Variants of a method: one of its parts changed or left out, for the tables of ablations and of communication."""

from __future__ import annotations

from dataclasses import dataclass, fields

from remalis_agents.networks.remalis.options import Losses

METHOD = "ReMALIS"
ANNOUNCING = ("feedback=false", "rounds=0", "composition=false", "shared_planning=false")
"""Leaves of all that crosses between agents the announcement of intentions alone."""

_NO_LOSSES = "{" + ", ".join(f"{field.name}: 0.0" for field in fields(Losses)) + "}"


@dataclass(frozen=True)
class Variant:
    """A method with changes.

    Attributes:
        method: whose configuration it begins with.
        title: what is different, for people.
        options: changes to the network's options, as ``name=value``.
    """

    method: str
    title: str
    options: tuple[str, ...]

    @property
    def changes(self) -> list[str]:
        """As ``rllib train --set`` takes them."""
        return [f"rl_module.options.{option}" for option in self.options]


def _remalis(title: str, *options: str) -> Variant:
    return Variant(METHOD, title, options)


STEPS: dict[str, Variant] = {
    "single": Variant("SingleAgent", "single agent, as many parameters", ("match=remalis",)),
    "intentions": _remalis("+ intention propagation", *ANNOUNCING),
    "feedback": _remalis("+ bidirectional feedback", *ANNOUNCING[1:]),
    "recursion": _remalis("+ recursive reasoning", *ANNOUNCING[2:]),
}
"""Table 2 of the paper: part after part, up to the whole method."""
WITHOUT: dict[str, Variant] = {
    "no-messages": _remalis("without any message", "communication=none"),
    "no-feedback": _remalis("without feedback", "feedback=false"),
    "no-recursion": _remalis("without recursive reasoning", "rounds=0"),
    "no-composition": _remalis("without grounding together", "composition=false"),
    "no-shared-planning": _remalis("without planning together", "shared_planning=false"),
    "no-replanning": _remalis("without replanning: a plan in each step", "replan_every=1"),
    "no-latent": _remalis("without ambiguity", "latent=0"),
    "no-action-graph": _remalis("without the action graph", "action_graph=false"),
    "no-losses": _remalis("without losses of its own", f"losses={_NO_LOSSES}"),
}
"""Each part left out of the whole method."""
INSTEAD: dict[str, Variant] = {
    "convolution": _remalis("a convolution in place of recursion", "recursion=convolution"),
    "recurrent": _remalis("a plain recurrent layer in place of recursion", "recursion=recurrent"),
    "literal-confusion": _remalis("confusion as equation 10 has it", "confusion=literal"),
    "no-confusion": _remalis("without the gate of confusion", 'confusion="off"'),
}
"""Parts replaced by others."""
MODES: dict[str, Variant] = {
    "basic": _remalis("basic: each agent's goal", "communication=basic"),
    "selective": _remalis("selective: goal, and sub-goals to those who are to help", "communication=selective"),
    "half": _remalis("full, in half of the steps", "gate_budget=0.5"),
}
"""Table 3 of the paper, beside no messages and the whole method."""
VARIANTS: dict[str, Variant] = {
    f"{METHOD}/{name}": variant for group in (STEPS, WITHOUT, INSTEAD, MODES) for name, variant in group.items()
}
"""Every variant by its name, such as ``ReMALIS/no-feedback``."""
TABLES: dict[str, tuple[str, ...]] = {
    "Part after part": (*(f"{METHOD}/{name}" for name in STEPS), METHOD),
    "One part left out or replaced": (METHOD, *(f"{METHOD}/{name}" for name in (*WITHOUT, *INSTEAD))),
    "Ways of communication": (f"{METHOD}/no-messages", *(f"{METHOD}/{name}" for name in MODES), METHOD),
}
"""The tables of a suite of variants, by title: their rows in order."""
