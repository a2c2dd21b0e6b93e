"""Names of phases as a traffic engineer would say them."""

from __future__ import annotations

from .model import Movement

_WORDS = {"straight": "through", "left": "left", "right": "right", "uturn": "U-turn"}
_RANK = ("through", "left", "right", "U-turn")
Split = tuple[tuple[int, ...], tuple[int, ...]]


def phase_names(movements: tuple[Movement, ...], arms: tuple[str, ...], splits: list[Split]) -> list[str]:
    """One name for each phase, unique within the intersection.

    Args:
        movements: Movements of the intersection.
        arms: Names of its arms.
        splits: For each phase, the movements with right of way and those that yield.
    """
    short = [_short(movements, arms, major, minor) for major, minor in splits]
    names = [
        name if short.count(name) == 1 else _listed(movements, major, minor)
        for name, (major, minor) in zip(short, splits, strict=True)
    ]
    seen: dict[str, int] = {}
    for i, name in enumerate(names):
        seen[name] = seen.get(name, 0) + 1
        if seen[name] > 1:
            names[i] = f"{name} ({seen[name]})"
    return names


def _short(
    movements: tuple[Movement, ...], arms: tuple[str, ...], major: tuple[int, ...], minor: tuple[int, ...]
) -> str:
    groups: dict[tuple[str, str], list[int]] = {}
    for arm in range(len(arms)):
        said = (_turns(movements, arm, major, arms), _turns(movements, arm, minor, arms))
        if any(said):
            groups.setdefault(said, []).append(arm)
    parts = []
    for (firm, yielding), members in groups.items():
        who = "+".join(arms[a] for a in members)
        if firm and yielding:
            parts.append(f"{who} {firm}, {yielding} yielding")
        else:
            parts.append(f"{who} {firm}" if firm else f"{who} {yielding} yielding")
    crossings = [movements[m] for m in major + minor if movements[m].kind == "crossing"]
    if crossings:
        total = sum(m.kind == "crossing" for m in movements)
        which = "+".join(m.name.removeprefix("crossing ") for m in crossings)
        parts.append("all crossings" if total == len(crossings) > 1 else f"crossing {which}")
    return "; ".join(parts) or "all red"


def _turns(movements: tuple[Movement, ...], arm: int, shown: tuple[int, ...], arms: tuple[str, ...]) -> str:
    mine = [m for m in movements if m.from_arm == arm and m.kind != "crossing"]
    words = []
    for kind, word in sorted(_WORDS.items(), key=lambda item: _RANK.index(item[1])):
        of_kind = [m for m in mine if m.kind == kind]
        green = [m for m in of_kind if m.index in shown]
        if not green:
            continue
        if len(green) == len(of_kind):
            words.append(word)
        else:
            words.append(f"{word} to " + " and ".join(arms[m.to_arm] for m in green))
    return "+".join(words)


def _listed(movements: tuple[Movement, ...], major: tuple[int, ...], minor: tuple[int, ...]) -> str:
    text = ", ".join(movements[m].name for m in major)
    if minor:
        text += ("; " if text else "") + "yielding " + ", ".join(movements[m].name for m in minor)
    return text
