"""What the two sides' episodes come to: agreement over all and by task, and each disagreement with its actions."""

from __future__ import annotations

from math import sqrt
from typing import Any

from rich.table import Table

TARGET_PERCENT = 99.0
Z = 1.96
Episode = dict[str, Any]
NOTE = (
    "An episode agrees where both sides gave the same WOB_RAW_REWARD_GLOBAL, without the discount for time, and both "
    "or neither ended it. Actions were chosen here and done there to the element at the same place of the document; "
    "seeds are given to both environments as they are, and both draw the page's own seed from them in the same way. "
    "Wherever BrowserGym refuses to act on an element, nothing is done there, and its errors say so; a click that "
    "missed its limit of 500 ms is tried twice more. BrowserGym's chat window, in which no MiniWoB task says anything, "
    "is not opened, and one browser serves all its episodes, each in a context of its own. Of the tries of an episode "
    "the first with a reward above nought is compared, else the last: chosen on our side, before BrowserGym plays."
)
CAUSES: dict[str, str] = {
    "miniwob/stock-market": "The page moves its price by the clock: it is decided by when Buy is pressed, though "
    "BrowserGym does not flag the task nondeterministic.",
    "miniwob/social-media": "BrowserGym first moves the pointer onto the icon, for which the page then shows another "
    "picture, still to be loaded. Until it is there the icon has no width, and the press goes to what lies behind. "
    "Here the pointer arrives with the press.",
}
"""Task -> why the sides differ there, as found by looking."""


def compare(task: str, seed: int, ours: dict[str, Any], theirs: dict[str, Any]) -> Episode:
    """One episode of both sides: what is equal, and what is needed to see why where something is not."""
    same_page = ours["outline"] == theirs["outline"]
    kept = {"task": task, "seed": seed, "tries": ours["tries"], "goal": ours["goal"], "actions": ours["actions"]}
    return (
        kept
        | {
            "same_goal": fold(ours["goal"]) == fold(theirs["goal"]),
            "same_page": same_page,
            "ours": {key: ours[key] for key in ("raw", "done", "reason")},
            "browsergym": {key: theirs.get(key) for key in ("raw", "done", "reason", "actions", "errors", "retries")},
        }
        | ({} if same_page else {"outlines": {"ours": ours["outline"], "browsergym": theirs["outline"]}})
    )


def fold(text: str) -> str:
    """A text with its white space folded."""
    return " ".join(text.split())


def agrees(episode: Episode) -> bool:
    """Whether both sides gave the same raw reward, and both or neither ended the episode."""
    ours, theirs = episode["ours"], episode["browsergym"]
    return bool(ours["raw"] == theirs["raw"] and ours["done"] == theirs["done"])


def wavers(episode: Episode) -> bool:
    """Whether BrowserGym ended otherwise when it played the same actions again, which it does where sides disagree."""
    ends = [(one["raw"], one["done"]) for one in (episode["browsergym"], *episode.get("browsergym_again", ()))]
    return len(set(ends)) > 1


def summary(episodes: list[Episode]) -> dict[str, Any]:
    """Counts, percentages and the disagreements."""
    total = len(episodes)
    if not total:
        return {"episodes": 0}
    same = sum(map(agrees, episodes))
    by_task: dict[str, dict[str, int]] = {}
    for one in episodes:
        counts = by_task.setdefault(one["task"], {"episodes": 0, "agree": 0, "positive": 0, "ended": 0})
        counts["episodes"] += 1
        counts["agree"] += agrees(one)
        counts["positive"] += one["ours"]["raw"] > 0
        counts["ended"] += one["ours"]["done"]
    return {
        "episodes": total,
        "agree": same,
        "agree_percent": round(100 * same / total, 2),
        "agree_percent_95": [round(100 * bound, 2) for bound in interval(same, total)],
        "target_percent": TARGET_PERCENT,
        "meets_target": 100 * same >= TARGET_PERCENT * total,
        "same_raw_reward": sum(one["ours"]["raw"] == one["browsergym"]["raw"] for one in episodes),
        "same_success": sum((one["ours"]["raw"] > 0) == (one["browsergym"]["raw"] > 0) for one in episodes),
        "positive": sum(one["ours"]["raw"] > 0 for one in episodes),
        "ended": sum(one["ours"]["done"] for one in episodes),
        "actions": sum(len(one["actions"]) for one in episodes),
        "same_goal": sum(one["same_goal"] for one in episodes),
        "same_page": sum(one["same_page"] for one in episodes),
        "browsergym_errors": sum(len(one["browsergym"]["errors"]) for one in episodes),
        "browsergym_retries": sum(one["browsergym"]["retries"] for one in episodes),
        "browsergym_disagrees_with_itself": sum(map(wavers, episodes)),
        "by_task": by_task,
        "disagreements": [
            {"cause": CAUSES.get(one["task"], "not looked into yet"), **one} for one in episodes if not agrees(one)
        ],
    }


def interval(same: int, total: int) -> tuple[float, float]:
    """Wilson's 95% interval of a share."""
    share, weight = same / total, Z * Z / total
    middle, half = share + weight / 2, Z * sqrt(share * (1 - share) / total + weight / (4 * total))
    return (middle - half) / (1 + weight), min(1.0, (middle + half) / (1 + weight))


def table(found: dict[str, Any]) -> Table:
    """The counts, and a line for each disagreement."""
    title = f"MiniWoB++ beside BrowserGym: {found['agree']} of {found['episodes']} agree ({found['agree_percent']}%)"
    made = Table(title=title)
    for column in ("task", "seed", "ours", "BrowserGym", "its errors"):
        made.add_column(column)
    for one in found["disagreements"]:
        ours, theirs = (f"{one[side]['raw']:g}, {_end(one[side])}" for side in ("ours", "browsergym"))
        made.add_row(one["task"], str(one["seed"]), ours, theirs, "; ".join(one["browsergym"]["errors"])[:120])
    return made


def _end(side: dict[str, Any]) -> str:
    return "ended" if side["done"] else "goes on"
