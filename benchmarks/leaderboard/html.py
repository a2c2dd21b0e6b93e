"""The leaderboard as one HTML file that needs nothing but itself."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template
from typing import Any

from leaderboard.ablations import FIGURES
from leaderboard.charts import colours, improvement_cell, interval_plot, learning_curves, track
from leaderboard.wording import STATES, TITLES, VERDICTS, caution, few_runs, headline, name, number, protocol, title

_PAGE = Path(__file__).resolve().parent / "page"
_MORE = ("worst_decile_delay_s",)
_e = html.escape


def page(content: Mapping[str, Any]) -> str:
    """The whole page.

    Args:
        content: what :func:`leaderboard.results.leaderboard` made.
    """
    learned = dict.fromkeys(row["method"] for table in content["tables"] for row in table["rows"] if row["learned"])
    styles = colours(sorted(learned))
    sections = [_table(table, styles) for table in content["tables"]]
    if content["overall"]:
        sections.append(_overall(content["overall"], styles))
    sections += [_ablations(table) for table in content["ablations"]]
    if content["transfer"]:
        sections.append(_transfer(content["transfer"], styles))
    if content["failures"]:
        sections.append(_failures(content["failures"]))
    sections.append(_about(content["about"], content["commands"]))
    template = Template((_PAGE / "page.html").read_text(encoding="utf-8"))
    return template.substitute(
        style=(_PAGE / "style.css").read_text(encoding="utf-8"),
        script=(_PAGE / "script.js").read_text(encoding="utf-8"),
        summary=_summary(content),
        sections="\n".join(sections),
    )


def _summary(content: Mapping[str, Any]) -> str:
    counts, about = content["counts"], content["about"]
    chips = "".join(
        f'<span class="chip {state}"><b>{count}</b> {state}</span>' for state, count in counts.items() if count
    )
    told = "".join(
        f'<li><a href="#t{k}">{_e(title(table))}</a> {_e(headline(table))}</li>'
        for k, table in ((_anchor(table), table) for table in content["tables"])
    )
    when = _e(about["date"].replace("T", " ").partition("+")[0])
    return f'<p class="soft">{when} UTC · cells {chips}</p><ul class="told">{told}</ul>'


def _anchor(table: Mapping[str, Any]) -> str:
    return f"-{table['task'].replace('/', '-')}-{table['budget']}"


def _section(heading: str, text: str, body: str, anchor: str = "") -> str:
    mark = f' id="{anchor}"' if anchor else ""
    return f'<section{mark}><h2>{_e(heading)}</h2><p class="soft">{_e(text)}</p>{body}</section>'


def _table(table: Mapping[str, Any], styles: Mapping[str, str]) -> str:
    unit = f", {table['unit']}" if table["unit"] else ""
    extra = [key for key in _MORE if any(key in row.get("figures", {}) for row in table["rows"])]
    heads = [("method", ""), (TITLES.get(table["figure"], table["figure"]) + unit, "num"), ("", "plot")]
    heads += [("IQM", "num")]
    heads += [("minus max pressure", "num")] if table["reference"] else []
    heads += [("verdict", ""), *((TITLES[key], "num") for key in extra), ("runs", "num"), ("steps/s", "num"), ("", "")]
    head = "".join(
        f'<th class="{kind}"{_hint(text)}{"" if text else " data-fixed"}>{_e(text)}</th>' for text, kind in heads
    )
    has = any(row.get("mean") for row in table["rows"])
    span = track(table) if has else (0.0, 1.0)
    reference = next((r["mean"]["value"] for r in table["rows"] if r["method"] == table["reference"]), table["chance"])
    bodies = "".join(_row(row, table, styles, extra, span, reference, len(heads)) for row in table["rows"])
    body = f'<div class="scroll"><table class="sortable"><thead><tr>{head}</tr></thead>{bodies}</table></div>'
    body += _note(caution(table["rows"]))
    if table["budget"] is not None:
        body += (
            '<h3>Learning curves</h3><p class="soft">Training episodes, which still explore: mean over training seeds '
            "with its 95% interval, single seeds as thin lines. Point at a name to single it out.</p>"
            f'<div class="scroll">{learning_curves(table, styles)}</div>'
        )
    return _section(title(table), protocol(table), body, f"t{_anchor(table)}")


def _note(text: str) -> str:
    return f'<p class="soft">{_e(text)}</p>' if text else ""


def _hint(text: str) -> str:
    return ' title="interquartile mean over all episodes of all runs"' if text == "IQM" else ""


def _row(
    row: Mapping[str, Any],
    table: Mapping[str, Any],
    styles: Mapping[str, str],
    extra: Sequence[str],
    span: tuple[float, float],
    reference: float | None,
    columns: int,
) -> str:
    who, style = row["method"], styles.get(row["method"], "--c:var(--soft)")
    kind = "" if row["learned"] else '<span class="kind">controller</span>'
    own = (
        '<abbr title="runs a signal program of its own, not the team\'s phases">*</abbr>'
        if row.get("own_program")
        else ""
    )
    cells = [f'<td class="who" data-v="{_e(who)}"><i class="swatch"></i>{_e(name(who))}{own}{kind}</td>']
    if row.get("mean"):
        cells += [
            _number(row["mean"]["value"], _spread(row["mean"])),
            f'<td class="plot">{interval_plot(row, *span, reference)}</td>',
            _number(row["iqm"]["value"], _spread(row["iqm"])),
        ]
    else:
        cells += [
            f'<td class="num lack" data-v="">{_e(STATES[row["status"]])}</td>',
            "<td></td>",
            '<td data-v=""></td>',
        ]
    if table["reference"]:
        gap = row.get("difference")
        cells.append(_number(gap["value"], _spread(gap), signed=True) if gap else '<td class="num" data-v=""></td>')
    cells.append(_verdict(row))
    cells += [_number(row.get("figures", {}).get(key)) for key in extra]
    done = [run for run in row["runs"] if run["status"] == "done"]
    cells.append(f'<td class="num" data-v="{len(done)}">{len(done)}/{len(row["runs"])}</td>')
    speeds = [run["env_steps_per_s"] for run in done if run.get("env_steps_per_s")]
    cells.append(_number(sum(speeds) / len(speeds) if speeds else None, blank=""))
    button, opened = _how(_runs(row), columns)
    cells.append(button)
    return f'<tbody data-m="{_e(who)}" style="{style}"><tr>{"".join(cells)}</tr>{opened}</tbody>'


def _how(runs: str, columns: int) -> tuple[str, str]:
    """A cell with the button that shows the commands, and the line that it shows."""
    if not runs:
        return "<td></td>", ""
    button = '<td><button class="open" aria-expanded="false">how</button></td>'
    return button, f'<tr class="more" hidden><td colspan="{columns}">{runs}</td></tr>'


def _number(value: float | None, spread: str = "", signed: bool = False, blank: str = "–") -> str:
    if value is None or math.isnan(value):
        return f'<td class="num soft" data-v="">{blank}</td>'
    text = ("+" if signed and value > 0 else "") + number(value)
    return f'<td class="num" data-v="{value:.6g}">{text}{spread}</td>'


def _spread(one: Mapping[str, float]) -> str:
    if math.isnan(one["low"]):
        return ""
    return f"<small>{number(one['low'])} … {number(one['high'])}</small>"


def _verdict(row: Mapping[str, Any]) -> str:
    verdict = row.get("verdict") or ""
    text = VERDICTS.get(verdict, "")
    badge = f'<span class="badge {verdict.replace(" ", "-")}">{_e(text)}</span>' if text else ""
    state = f'<span class="badge {row["status"]}">{_e(STATES[row["status"]])}</span>' if STATES[row["status"]] else ""
    reason = f'<small class="reason">{_e(row["reason"])}</small>' if row.get("reason") else ""
    return f'<td class="verdict" data-v="{_e(text or row["status"])}">{badge}{state}{reason}</td>'


def _runs(row: Mapping[str, Any], where: str = "") -> str:
    """Every run of a row with the commands that make it again."""
    parts = []
    for run in row["runs"]:
        facts = [where] if where else []
        facts += [] if run["seed"] is None else [f"seed {run['seed']}"]
        facts += [number(run["value"])] if run.get("value") is not None else [run["status"]]
        facts += [f"{run['env_steps']:,} steps in {run['wall_s']:,.0f} s"] if run.get("env_steps") else []
        facts += [run["reason"]] if run.get("reason") else []
        commands = _e("\n".join(run["commands"].values()))
        parts.append(
            f'<div class="run"><p>{_e(" · ".join(facts))} <code class="key">{run["key"]}</code></p>'
            f'<div class="command"><pre>{commands}</pre><button class="copy">copy</button></div></div>'
        )
    return "".join(parts)


def _overall(content: Mapping[str, Any], styles: Mapping[str, str]) -> str:
    rows = "".join(
        f'<tbody data-m="{_e(row["method"])}" style="{styles.get(row["method"], "--c:var(--soft)")}"><tr>'
        f'<td class="who" data-v="{_e(row["method"])}"><i class="swatch"></i>{_e(name(row["method"]))}</td>'
        f"{_number(row['iqm']['value'], _spread(row['iqm']))}{_number(row['mean']['value'], _spread(row['mean']))}"
        f'<td class="num" data-v="{row["runs"]}">{row["runs"]}</td></tr></tbody>'
        for row in content["rows"]
    )
    head = '<th>method</th><th class="num">interquartile mean</th><th class="num">mean</th><th class="num">runs</th>'
    body = f'<div class="scroll"><table class="sortable narrow"><thead><tr>{head}</tr></thead>{rows}</table></div>'
    body += _note(few_runs(row["runs"] // len(content["tasks"]) for row in content["rows"] if row["learned"]))
    if content["lacking"]:
        said = "; ".join(f"{name(who)} ({', '.join(what)})" for who, what in content["lacking"].items())
        body += _note(f"Not ranked, because results are missing: {said}.")
    ranked = list(content["improvement"])
    if len(ranked) > 1:
        across = "".join(f'<th class="num" data-fixed>{_e(name(b))}</th>' for b in ranked)
        lines = "".join(
            f"<tr><th>{_e(name(a))}</th>"
            + "".join("<td></td>" if a == b else improvement_cell(content["improvement"][a][b]) for b in ranked)
            + "</tr>"
            for a in ranked
        )
        body += (
            '<h3>Probability of improvement</h3><p class="soft">That a run of the row\'s method scores higher than one '
            "of the column's, on a task taken at random.</p>"
            f'<div class="scroll"><table class="matrix"><thead><tr><th></th>{across}</tr></thead><tbody>{lines}</tbody>'
            "</table></div>"
        )
    text = (
        f"Over {', '.join(content['tasks'])}. Score: delay of max pressure divided by the own; max pressure is 1 and "
        "more is better. Intervals are stratified bootstrap, runs resampled within each task."
    )
    return _section("All tasks together", text, body, "overall")


def _ablations(table: Mapping[str, Any]) -> str:
    shown = [key for key in FIGURES if any(key in row["figures"] for row in table["rows"])]
    head = "".join(f'<th class="num">{_e(FIGURES[key][0])}</th>' for key in shown)
    rows = ""
    for row in table["rows"]:
        cells = ""
        for key in shown:
            one = {k: v * FIGURES[key][1] for k, v in row["figures"].get(key, {}).items()}
            cells += _number(one["value"], _spread(one)) if one else _number(None)
        rows += (
            f'<tbody><tr><td class="who" data-v="{_e(row["title"])}">{_e(row["title"])}</td>{cells}'
            f'<td class="num" data-v="{row["runs"]}">{row["runs"]}/{row["asked"]}</td></tr></tbody>'
        )
    text = f"{table['task']}, {table['budget']:,} team steps of training, held-out episodes; 95% bootstrap intervals."
    body = (
        f'<div class="scroll"><table class="sortable"><thead><tr><th></th>{head}<th class="num">runs</th></tr></thead>'
        f"{rows}</table></div>{_note(few_runs(row['runs'] for row in table['rows']))}"
    )
    return _section(table["title"], text, body)


def _transfer(content: Mapping[str, Any], styles: Mapping[str, str]) -> str:
    head = "".join(f'<th class="num">{_e(where.partition("/")[2])}</th>' for where in content["tasks"])
    rows = []
    for row in content["rows"]:
        cells = "".join(_moved(row["cells"].get(where)) for where in content["tasks"])
        learned = any(cell["learned"] for cell in row["cells"].values())
        kind = "" if learned else '<span class="kind">controller</span>'
        steps = f'<span class="kind">{row["budget"]:,} steps</span>' if row["budget"] else ""
        style = styles.get(row["method"], "--c:var(--soft)")
        button, more = _how("".join(_runs(row["cells"][w], w) for w in row["cells"]), len(content["tasks"]) + 2)
        rows.append(
            f'<tbody style="{style}"><tr><td class="who" data-v="{_e(row["method"])}"><i class="swatch"></i>'
            f"{_e(name(row['method']))}{kind}{steps}</td>{cells}{button}</tr>{more}</tbody>"
        )
    text = (
        f"Final policies of {content['trained_on']} on maps that they were not trained on, without change. Mean delay, "
        f"{content['unit']}, with 95% intervals; beside max pressure on the same episodes, green is better, amber is "
        "level, red is worse."
    )
    body = (
        f'<div class="scroll"><table class="sortable"><thead><tr><th>method</th>{head}<th data-fixed></th></tr></thead>'
        f"{''.join(rows)}"
        "</table></div>"
    ) + _note(caution(found for row in content["rows"] for found in row["cells"].values()))
    return _section("Zero-shot transfer", text, body, "transfer")


def _moved(found: Mapping[str, Any] | None) -> str:
    if found is None or not found.get("mean"):
        state = STATES[found["status"]] if found else "–"
        return f'<td class="num lack" data-v="" title="{_e((found or {}).get("reason") or "")}">{_e(state)}</td>'
    verdict = found["verdict"] or ""
    return _number(found["mean"]["value"], _spread(found["mean"])).replace("<td", f'<td data-verdict="{verdict}"', 1)


def _failures(failures: Sequence[Mapping[str, Any]]) -> str:
    parts = "".join(
        f"<details><summary><b>{_e(one['cell'])}</b> {_e(one['reason'])}</summary>"
        f"<pre>{_e(chr(10).join(one['log']) or 'It wrote no log.')}</pre></details>"
        for one in failures
    )
    return _section(
        "Failed cells", "Each with the end of its log. They are tried again by the next call.", parts, "failed"
    )


def _about(about: Mapping[str, Any], commands: Sequence[str]) -> str:
    commit = (about["git_commit"] or "unknown")[:10] + (" with uncommitted changes" if about["git_changes"] else "")
    versions = ", ".join(f"{package} {version}" for package, version in about["versions"].items() if version)
    machine = about["machine"]
    said = [
        f"<dt>cells by</dt><dd>{'<br>'.join(f'<code>{_e(line)}</code>' for line in commands)}</dd>",
        f"<dt>this page by</dt><dd><code>{_e(about['command'])}</code></dd>",
        f"<dt>commit</dt><dd><code>{_e(commit)}</code></dd>",
        f"<dt>versions</dt><dd>{_e(versions)}</dd>",
        f"<dt>machine</dt><dd>{machine['cores']} cores, {_e(machine['architecture'])}, {_e(machine['system'])}</dd>",
    ]
    text = "Every cell's own circumstances are in its file under cells/."
    return _section("How this was made", text, f"<dl>{''.join(said)}</dl>", "about")
