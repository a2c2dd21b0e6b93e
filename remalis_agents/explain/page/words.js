// What is looked at, in words.
const list = (pairs, most = 3) => pairs.slice(0, most).map(([k, v]) => `${chip(k)} <small>${pct(v)}</small>`).join(", ") || "nothing";
const verdict = (right) => (right === null ? "" : right ? ' <b class="good">✓</b>' : ' <b class="bad">✗</b>');
const name = (i) => `<b>${esc(D.agents[i])}</b>`;
const who = (i) => `<button class="who" data-agent="${i}">${esc(D.agents[i])}</button>`;
const fact = (term, text) => `<dt>${term}</dt><dd>${text}</dd>`;

function whyPlanned(t, i) {
  if (!A.replanned) return "";
  const age = A.plan_age[at(t, i)];
  if (!planned(t, i)) return `it kept the plan that it made ${age} step${age === 1 ? "" : "s"} before`;
  if (!forced(t, i)) return `it planned anew, as R called for; the plan before was ${age} step${age === 1 ? "" : "s"} old`;
  return age ? `it planned anew: the plan was ${age} steps old, as old as one may be` : "it planned anew: there was no plan yet";
}

function readout(t, i) {
  if (!A.alive[at(t, i)]) return `Step ${t}${clock(t)} · ${name(i)} did not take part.`;
  const title = D.intended.find((one) => one.key === state.what).name, did = served(t, i);
  const then = did < 0 ? "served nothing" : cameTrue(t, i) ? `served it${verdict(true)}` : `served ${chip(did)}${verdict(false)}`;
  const fired = planned(t, i) && A.replanned ? ` · planned anew: E ${A.error ? number(A.error[at(t, i)]) : "–"}, U ${number(A.uncertainty[at(t, i)])} nats` : "";
  return `Step ${t}${clock(t)} · ${name(i)} · ${title} ${likeliest(row(state.what, t, i))}, and ${then}${fired}`;
}

function looked(t, i) {
  const V = D.concepts.length, true_ = A.concept_true[at(t, i)];
  if (true_ < 0) return "not known: it served nothing that it looks at";
  const seen = row("concept_believed", t, i, V), k = best(seen);
  return `taken for “${esc(D.concepts[k])}” <small>${pct(seen[k] / 255)}</small>, and it was “${esc(D.concepts[true_])}”${verdict(k === true_)}`;
}

function helpers(t, i) {
  if (!A.assignment) return "";
  const next = best(row("next_subgoal", t, i)), found = [];
  for (let k = 0; k <= K; k++) {
    const share = slotRow("assignment", t, i, k, K + 1)[next] / 255;
    if (k === K || neighbour(t, i, k) >= 0) found.push([k === K ? "itself" : esc(D.agents[neighbour(t, i, k)]), share]);
  }
  found.sort((a, b) => b[1] - a[1]);
  return fact("whom it assigns", `${chip(next)} to ${found.slice(0, 3).map(([one, v]) => `${one} <small>${pct(v)}</small>`).join(", ")}`);
}

function beliefsOf(t, i) {
  if (!A.belief) return "";
  let rows = "";
  for (let k = 0; k < K; k++) {
    const j = neighbour(t, i, k);
    if (j < 0) continue;
    const held = slotRow("belief", t, i, k), did = served(t, j), bytes = edgeBytes(t, i, k, true);
    rows += `<tr><td>${who(j)}</td><td>${bytes ? likeliest(held) : '<span class="soft">not heard</span>'}</td>` +
      `<td>${did < 0 ? "–" : chip(did)}${bytes ? verdict(did < 0 ? null : best(held) === did) : ""}</td><td class="num">${bytes}</td></tr>`;
  }
  return rows && `<h4>What it believed its neighbours would do</h4><div class="scroll"><table><thead><tr><th>neighbour</th><th>believed</th>` +
    `<th>did</th><th class="num">bytes heard</th></tr></thead><tbody>${rows}</tbody></table></div>`;
}

function agentWords(i) {
  const t = state.step;
  if (!A.alive[at(t, i)]) return `<h3>${esc(D.agents[i])}</h3><p>did not take part in step ${t}.</p>`;
  const did = served(t, i), action = A.action_text ? A.action_text[at(t, i)] : -1;
  const E = A.error ? `E ${number(A.error[at(t, i)])}, ` : "", missed = A.misaligned[at(t, i)];
  let text = fact("plan", `${likeliest(row("plan", t, i))}${A.replanned ? `; ${whyPlanned(t, i)}` : ""}`);
  text += fact("intention", `next ${likeliest(row("next_subgoal", t, i))}; its goal is likest ${likeliest(row("goal", t, i))}; belonging to it: ${list(ranked(row("parts", t, i), 0.5))}`);
  text += helpers(t, i);
  if (action >= 0) text += fact("action", esc(D.actions[action]));
  text += fact("served", did < 0 ? "nothing" : `${chip(did)}${verdict(best(row("plan", t, i)) === did)} <small>beside the plan</small>`);
  text += fact("looked at", looked(t, i));
  text += fact("signals", `${E}U ${number(A.uncertainty[at(t, i)])} nats${missed >= 0 ? `; by the record ${pct(missed)} of its pairs did not fit` : ""}`);
  if (A.gate) text += fact("gate", `${A.gate_open[at(t, i)] ? "open" : "closed"}, open with probability ${pct(A.gate[at(t, i)] / 255)}`);
  return `<h3>${esc(D.agents[i])} <small>step ${t}${clock(t)}</small></h3><dl>${text}</dl>${beliefsOf(t, i)}`;
}

// What a message of each type from j to i was made from.
const CONTENT = {
  goal: (t, j) => `its goal, likest ${likeliest(row("goal", t, j))}`,
  subgoals: (t, j) => `belonging to its goal: ${list(ranked(row("parts", t, j), 0.5))}; next ${likeliest(row("next_subgoal", t, j))}`,
  assignment: (t, j, i) => {
    const k = slotOf(t, j, i);
    if (k < 0 || !A.assignment) return "";
    const given = slotRow("assignment", t, j, k, K + 1).map((v, s) => (v * row("next_subgoal", t, j)[s]) / 255);
    return `of what comes next, it leaves to ${esc(D.agents[i])}: ${list(ranked(given, 0.01))}`;
  },
  recursion: (t, j, i) => {
    const k = slotOf(t, j, i);
    return k < 0 || !A.belief ? "what it makes of all beliefs" : `what it believes of ${esc(D.agents[i])}: next ${likeliest(slotRow("belief", t, j, k))}`;
  },
  feedback: (t, j) => (t && served(t - 1, j) >= 0 ? `its last action served ${chip(served(t - 1, j))}` : "nothing has happened yet"),
  grounding: (t, j) => `what it takes things for${A.concept_true[at(t, j)] < 0 ? "" : `; where it then acted, ${looked(t, j)}`}`,
  planning: (t, j) => `its planning leans to ${likeliest(row("fresh_plan", t, j))}`,
};

function edgeWords(j, i) {
  const t = state.step, s = t - D.delay, k = slotOf(t, i, j), heading = `<h3>${esc(D.agents[j])} to ${esc(D.agents[i])} <small>step ${t}${clock(t)}</small></h3>`;
  if (k < 0) return `${heading}<p>They do not hear each other in this step.</p>`;
  const mask = sentMask(t, i, k);
  let rows = "";
  D.kinds.forEach((kind, p) => {
    if (!(mask & (1 << p))) return;
    rows += `<tr><td><i class="chip" style="background:${strong(p)}"></i>${esc(kind.name)}</td><td class="num">${kind.bytes}</td>` +
      `<td>${(s < 0 ? null : CONTENT[kind.name]?.(s, j, i)) ?? `${kind.floats} numbers`}<small class="often">sent ${esc(kind.often)}</small></td></tr>`;
  });
  let text = rows ? `<div class="scroll"><table class="said"><thead><tr><th>type</th><th class="num">bytes</th><th>made from</th></tr></thead><tbody>${rows}</tbody></table></div>` : "<p>Nothing was sent.</p>";
  const then = D.delay ? ` in step ${s}, when this was sent,` : "";
  if (A.gate && s >= 0) text += `<p>The gate of ${name(j)} was${then} ${A.gate_open[at(s, j)] ? "open" : "closed"} (probability ${pct(A.gate[at(s, j)] / 255)}).</p>`;
  if (A.belief && rows) {
    const held = slotRow("belief", t, i, k), did = served(t, j);
    text += `<p>Having heard it, ${who(i)} believed that ${who(j)} would ${likeliest(held)}. ${did < 0 ? "" : `It served ${chip(did)}${verdict(best(held) === did)}`}</p>`;
  }
  return `${heading}<p><b>${edgeBytes(t, i, k, true)} B</b> in this step. A message is a row of numbers; the words say what it was made from.</p>${text}`;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button.who");
  if (button) look({ agent: +button.dataset.agent, edge: null });
});
