"""The leaderboard as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from leaderboard.ablations import FIGURES
from leaderboard.wording import (
    STATES,
    VERDICTS,
    caution,
    estimate,
    few_runs,
    headline,
    name,
    number,
    protocol,
    title,
)


def markdown(content: Mapping[str, Any]) -> str:
    """The whole report.

    Args:
        content: what :func:`leaderboard.results.leaderboard` made.
    """
    about, counts = content["about"], content["counts"]
    parts = [
        "# Leaderboard",
        f"Made by `{about['command']}` at {about['date']}, commit `{(about['git_commit'] or 'unknown')[:10]}`"
        f"{' with uncommitted changes' if about['git_changes'] else ''}. Cells: {counts['done']} done, "
        f"{counts['failed']} failed, {counts['missing']} missing.",
    ]
    parts.append("\n".join(["The cells were made by:", *(f"- `{line}`" for line in content["commands"])]))
    for table in content["tables"]:
        parts += [f"## {title(table)}", headline(table), protocol(table), _table(table), caution(table["rows"])]
    if content["overall"]:
        parts += _overall(content["overall"])
    for table in content["ablations"]:
        parts += _ablations(table)
    if content["transfer"]:
        parts += _transfer(content["transfer"])
    if content["failures"]:
        parts += ["## Failed cells", "\n".join(f"- {one['cell']}: {one['reason']}" for one in content["failures"])]
    parts += ["## Commands", *(_commands(table) for table in content["tables"])]
    return "\n\n".join(part for part in parts if part) + "\n"


def _rows(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def _table(table: Mapping[str, Any]) -> str:
    head = ["method", f"mean{', ' + table['unit'] if table['unit'] else ''}", "interquartile mean"]
    head += ["against max pressure"] if table["reference"] else []
    return _rows([*head, "verdict", "runs", "env-steps/s"], (_row(row, table) for row in table["rows"]))


def _row(row: Mapping[str, Any], table: Mapping[str, Any]) -> list[str]:
    done = [run for run in row["runs"] if run["status"] == "done"]
    cells = [name(row["method"]) + ("" if row["learned"] else " (controller)"), "–", "–"]
    if row.get("mean"):
        cells[1:] = [estimate(row["mean"]), estimate(row["iqm"])]
    cells += [estimate(row.get("difference"))] if table["reference"] else []
    said = [VERDICTS.get(row.get("verdict") or "", ""), STATES[row["status"]]]
    said += [f"({row['reason']})"] if row.get("reason") else []
    speeds = [run["env_steps_per_s"] for run in done if run.get("env_steps_per_s")]
    speed = number(sum(speeds) / len(speeds)) if speeds else ""
    return [*cells, "; ".join(part for part in said if part), f"{len(done)} of {len(row['runs'])}", speed]


def _overall(content: Mapping[str, Any]) -> list[str]:
    names = content["tasks"]
    parts = [
        f"## Over {len(names)} task{'s' * (len(names) > 1)}: {', '.join(names)}",
        "Score: the delay of max pressure divided by the own, so max pressure is 1 and more is better.",
        _rows(
            ["method", "interquartile mean", "mean", "runs"],
            ([name(r["method"]), estimate(r["iqm"]), estimate(r["mean"]), str(r["runs"])] for r in content["rows"]),
        ),
        few_runs(row["runs"] // len(names) for row in content["rows"] if row["learned"]),
    ]
    if content["lacking"]:
        said = "; ".join(f"{name(who)} ({', '.join(what)})" for who, what in content["lacking"].items())
        parts.append(f"Not ranked, because results are missing: {said}.")
    ranked = list(content["improvement"])
    if len(ranked) > 1:
        parts += [
            "Probability that a run of the row's method scores higher than one of the column's:",
            _rows(
                ["", *map(name, ranked)],
                (
                    [name(a), *("" if a == b else estimate(content["improvement"][a][b]) for b in ranked)]
                    for a in ranked
                ),
            ),
        ]
    return parts


def _transfer(content: Mapping[str, Any]) -> list[str]:
    def cell(row: Mapping[str, Any], where: str) -> str:
        found = row["cells"].get(where)
        if found is None or not found.get("mean"):
            return STATES[found["status"]] if found else "–"
        verdict = {"beats": " ✓", "level": " =", "worse": " ✗"}.get(found["verdict"] or "", "")
        return estimate(found["mean"]) + verdict

    return [
        f"## Zero-shot: trained on {content['trained_on']}, played elsewhere without change",
        f"Mean delay, {content['unit']}. ✓ beats max pressure on the same episodes, = is level with it, ✗ is worse.",
        _rows(
            ["method", *content["tasks"]],
            ([_who(row), *(cell(row, where) for where in content["tasks"])] for row in content["rows"]),
        ),
        caution(found for row in content["rows"] for found in row["cells"].values()),
    ]


def _ablations(table: Mapping[str, Any]) -> list[str]:
    shown = [name for name in FIGURES if any(name in row["figures"] for row in table["rows"])]
    rows = (
        [row["title"], *(_scaled(row["figures"].get(name), FIGURES[name][1]) for name in shown), _runs(row)]
        for row in table["rows"]
    )
    return [
        f"## {table['title']} · {table['task']}, {table['budget']:,} team steps",
        _rows(["", *(FIGURES[name][0] for name in shown), "runs"], rows),
        few_runs(row["runs"] for row in table["rows"]),
    ]


def _scaled(one: Mapping[str, float] | None, scale: float) -> str:
    return estimate(one and {name: scale * value for name, value in one.items()})


def _runs(row: Mapping[str, Any]) -> str:
    return f"{row['runs']} of {row['asked']}"


def _who(row: Mapping[str, Any]) -> str:
    return name(row["method"]) + (f", {row['budget']:,} team steps" if row["budget"] else " (controller)")


def _commands(table: Mapping[str, Any]) -> str:
    lines = [f"### {title(table)}"]
    for row in table["rows"]:
        for run in row["runs"]:
            seed = "" if run["seed"] is None else f", seed {run['seed']}"
            lines += [f"{name(row['method'])}{seed}:", "```sh", *run["commands"].values(), "```"]
    return "\n".join(lines)
