"""What the drawn tasks are worth: how many kinds there are, in how many wordings, and whether each means one thing.

``remalis audit web`` prints and draws what is measured here; tests hold the figures to their limits.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from remalis_envs.web.env import WebEnv
from remalis_envs.web.sites.domain import Domain, Input, Service
from remalis_envs.web.sites.drawing import Site
from remalis_envs.web.sites.loading import load_domain
from remalis_envs.web.sites.showing import long_date, shown
from remalis_envs.web.tasks.generate import draw_task
from remalis_envs.web.tasks.parsing import meanings
from remalis_envs.web.tasks.steps import Start

_QUOTED = re.compile(r'"[^"]*"')
_NUMBER = re.compile(r"\d[\d.,:]*")


# -- kinds ------------------------------------------------------------------------------------------------------------
def skeleton(domain: Domain, service: Service) -> str:
    """What is left of a service's tasks with all words stripped: mechanic, what the form asks for, kinds of rules.

    Two services with the same skeleton ask for the same work under other names. Of a field counts how its value is come
    by: told, read in the profile, with the thing or with what that refers to, or worked out, and then by which sum.
    """
    rules = Counter(rule.kind for rule in domain.rules_of(service.name))
    fields = sorted(_way(one) for one in service.inputs)
    place = domain.entities[service.entity].place
    ruled = ", ".join(f"{number} {kind}" for kind, number in sorted(rules.items()))
    return f"{service.mechanic} of {place}: {'; '.join(fields)} | {ruled}"


def _way(one: Input) -> str:
    how = "told"
    if one.value is not None:
        how = one.value.shape
    elif one.fact:
        how = "fact of the profile" if one.fact.startswith("profile.") else f"fact {one.fact.count('.')} away"
    marks = " spoken" * one.spoken + " optional" * one.optional
    return f"{one.kind} {how}{marks}"


def skeletons(domains: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Skeleton -> the domains whose services have it."""
    found: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for name in domains:
        domain = load_domain(name)
        for service in domain.services.values():
            found[skeleton(domain, service)][name] = None
    return {one: tuple(names) for one, names in found.items()}


# -- wordings ---------------------------------------------------------------------------------------------------------
def masked(site: Site, instruction: str) -> str:
    """An instruction with its values masked: quotations, numbers, dates, and whatever the site's data hold."""
    values = _values(site)
    text = _QUOTED.sub("_", instruction)
    return _NUMBER.sub("_", values.sub("_", text))


_KEPT: dict[int, tuple[Site, re.Pattern[str]]] = {}


def _values(site: Site) -> re.Pattern[str]:
    kept = _KEPT.get(id(site))
    if kept is not None and kept[0] is site:
        return kept[1]
    texts: set[str] = set()
    for entity in site.domain.entities.values():
        for spec in entity.fields:
            for value in {row[spec.name] for row in site.rows[entity.name]}:
                if spec.kind != "flag":
                    texts.add(long_date(str(value)) if spec.kind == "date" else shown(site, spec, value))
    texts |= {choice for service in site.domain.services.values() for one in service.inputs for choice in one.of}
    longest = sorted((text for text in texts if text), key=len, reverse=True)
    pattern = re.compile("|".join(rf"(?<!\w){re.escape(text)}(?!\w)" for text in longest))
    _KEPT.clear()  # sites come one after another
    _KEPT[id(site)] = (site, pattern)
    return pattern


def wordings(domains: Sequence[str], count: int, levels: Sequence[str] = ("medium", "hard")) -> Counter[str]:
    """How often each masked instruction comes up in ``count`` tasks, domains and levels in turn."""
    found: Counter[str] = Counter()
    for number in range(count):
        domain, level = domains[number % len(domains)], levels[number // len(domains) % len(levels)]
        drawn = draw_task(domain, level, 1_000_000 + number, site_seed=number // len(domains) % 8)
        found[masked(drawn.world.site, drawn.task.instruction)] += 1
    return found


def means_one_thing(domain: str, level: str, seed: int) -> bool:
    """Whether the words of a ``medium`` or ``hard`` task, with the site's data, mean its goal and nothing else."""
    drawn = draw_task(domain, level, seed)
    begins = [one for one in drawn.oracle.steps if isinstance(one, Start) and one.subtask.name.startswith("begin")]
    wanted = (
        begins[0].form.split("/")[-2],
        tuple(int(one.form.split("/")[-1]) for one in begins),
        tuple(int(one.quantity or 1) for one in begins),
    )
    return {tuple(one) for one in meanings(drawn.world.site, drawn.task.instruction)} == {wanted}


# -- work -------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Work:
    """What a task takes.

    Attributes:
        domain, level, seed: that it was drawn from.
        solved: whether the oracle solved it through the environment.
        unsolved_before: whether it was not solved at the reset, nor after its whole budget of waiting.
        steps: team steps of the oracle.
        pages: different addresses that it showed.
        branching: mean number of legal actions of an agent.
        items: most controls and texts of a page.
        critical_path: longest chain of sub-tasks that need each other: the least that a perfect team takes.
    """

    domain: str
    level: str
    seed: int
    solved: bool
    unsolved_before: bool
    steps: int
    pages: int
    branching: float
    items: int
    critical_path: float


def work(env: WebEnv, domain: str, level: str, seed: int) -> Work:
    """Lets everybody wait, then the oracle play, one task.

    Args:
        env: that draws from this domain and level alone; on the model engine it takes some tens of milliseconds.
        domain: its name.
        level: its level.
        seed: of the reset.
    """
    env.reset(seed=seed)
    before = env.metrics()["success"] == 0.0 and env.metrics()["rubric_share"] < 1.0
    waiting = dict.fromkeys(env.possible_agents, 0)
    while env.agents:
        env.step(waiting)
    unsolved = before and env.metrics()["success"] == 0.0 and env.metrics()["rubric_share"] < 1.0
    observations, _ = env.reset(seed=seed)
    pages: set[str] = set()
    items, choices, agent_steps = 0, 0, 0
    while env.agents:
        for reading in env.readings().values():
            pages.add(reading.url)
            items = max(items, len(reading.items))
        choices += sum(int(one["action_mask"].sum()) for one in observations.values())
        agent_steps += len(observations)
        observations, *_ = env.step(env.oracle())
    figures = env.metrics()
    return Work(
        domain, level, seed, figures["success"] == 1.0, unsolved, int(figures["steps"]), len(pages),
        choices / agent_steps, items, env.task.metadata["critical_path"],
    )  # fmt: skip


def means(found: Sequence[Work]) -> Mapping[str, float]:
    """Means over tasks; shares for what holds or does not."""
    names = ("solved", "unsolved_before", "steps", "pages", "branching", "items", "critical_path")
    return {name: sum(float(getattr(one, name)) for one in found) / len(found) for name in names}
