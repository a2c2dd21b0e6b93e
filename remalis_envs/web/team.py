"""Who is on a team: roles by name, several times or not at all, or one agent who has all rights."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from remalis_envs.errors import RemalisError, unknown
from remalis_envs.web.desk import Desk
from remalis_envs.web.roles import CONFIRM, ROLES, rights_of
from remalis_envs.web.tasks.model import Task

PARTED = ("overlapping", "exclusive")
INSTRUCTIONS = ("shared", "split")
SCOPES = ("individual", "team")
FULL, SOLO = "full", "solo"
TEAMS = (FULL, SOLO)


def desks_of(team: str | Sequence[str], parted: str) -> list[Desk]:
    """The agents of a team, without an episode.

    Args:
        team: ``full``, ``solo``, or the names of roles in the order in which they act.
        parted: ``overlapping`` or ``exclusive`` rights.

    Raises:
        RemalisError: nobody may confirm, so no task could end.
        UnknownNameError: a role that does not exist.
    """
    if isinstance(team, str):
        if team not in TEAMS:
            raise unknown("team", team, TEAMS)
        names = ["alone"] if team == SOLO else list(ROLES)
    else:
        names = list(team)
        for name in names:
            if name not in ROLES:
                raise unknown("role", name, ROLES)
    if not any(CONFIRM in rights_of(name, parted) for name in names):
        raise RemalisError(f"a team needs a verifier, who alone confirms, but this one is {names}")
    counts, seen = Counter(names), Counter[str]()
    desks = []
    for number, name in enumerate(names):
        seen[name] += 1
        own = name if counts[name] == 1 else f"{name}_{seen[name]}"
        desks.append(Desk(number, own, name, rights_of(name, parted)))
    return desks


def told(task: Task, role: str, mode: str) -> str:
    """What an agent is told of a task.

    Args:
        task: that is played.
        role: of the agent.
        mode: ``shared`` for the whole instruction, ``split`` for the clauses that its trade is about.
    """
    if mode == "shared" or role not in ROLES:
        return task.instruction
    clauses = (one.clause for one in task.subtasks if one.right == ROLES[role].trade and one.clause)
    return " ".join(dict.fromkeys(clauses))
