// The timeline: agents as rows, steps as columns; below it the signals of the agent that is looked at.
const CELL = Math.min(Math.max(Math.floor(1090 / T), 5), 20);
const TICK = 6, BAR = N > 24 ? 12 : 17, ROW = TICK + BAR + 5, AXIS = 24, SIGNALS = 96 + AXIS;
const WIDTH = CELL * T + 1;

function runs(value, i) {
  const found = [];
  for (let t = 0, from = 0; t < T; t++) {
    if (t + 1 === T || value(t + 1, i) !== value(from, i)) { found.push([from, t + 1, value(from, i)]); from = t + 1; }
  }
  return found;
}

function timelineRow(i) {
  const y = i * ROW + TICK;
  let svg = "";
  const shown = (t) => (A.alive[at(t, i)] ? intended(t, i) : -1);
  for (const [from, to, k] of runs(shown, i)) {
    svg += `<rect x="${from * CELL}" y="${y}" width="${(to - from) * CELL}" height="${BAR}" fill="${k < 0 ? "#f1f3f5" : colour(k)}"/>`;
  }
  const other = (t) => (cameTrue(t, i) === false ? served(t, i) : -1);
  const low = Math.round(BAR * 0.38);
  for (const [from, to, k] of runs(other, i)) {
    if (k < 0) continue;
    const box = `x="${from * CELL}" width="${(to - from) * CELL}"`;
    svg += `<rect ${box} y="${y + BAR - low - 1.5}" height="${low + 1.5}" fill="#fff"/>`;
    svg += `<rect ${box} y="${y + BAR - low}" height="${low}" fill="${colour(k)}"/>`;
  }
  let ticks = "", old = "";
  for (let t = 0; t < T; t++) {
    if (!A.replanned || !planned(t, i) || !A.alive[at(t, i)]) continue;
    const x = t * CELL + CELL / 2;
    if (forced(t, i)) old += `M${x} ${y - 1}v-3`;
    else ticks += `M${x} ${y - 1}v-4.5`;
  }
  return `${svg}<path class="tick" d="${ticks}"/><path class="tick old" d="${old}"/>`;
}

function drawTimeline() {
  let svg = "";
  for (let i = 0; i < N; i++) svg += timelineRow(i);
  const box = $("timeline");
  box.setAttribute("viewBox", `0 0 ${WIDTH} ${N * ROW}`);
  box.setAttribute("width", WIDTH);
  box.setAttribute("height", N * ROW);
  box.innerHTML = `<g>${svg}</g><rect id="cursor"/><rect id="row"/>`;
  $("agents").innerHTML = D.agents.map((name, i) =>
    `<button data-agent="${i}" style="height:${ROW}px;padding-top:${TICK}px" title="${esc(name)}">${esc(name)}</button>`).join("");
}

function axis(y) {
  const every = [1, 2, 5, 10, 20, 50, 100, 200, 500].find((n) => n * CELL >= 62) ?? 1000;
  let svg = "";
  for (let t = 0; t < T; t += every) {
    svg += `<line class="notch" x1="${t * CELL + 0.5}" x2="${t * CELL + 0.5}" y1="${y}" y2="${y + 5}"/>`;
    svg += `<text class="soft" x="${t * CELL + 1}" y="${y + 18}">${t}${clock(t)}</text>`;
  }
  return svg;
}

function drawSignals() {
  const box = $("signals"), i = state.agent, h = SIGNALS - AXIS - 20, top = 8, y = (v) => top + h * (1 - Math.min(Math.max(v, 0), 1));
  const most = Math.log(Math.max(D.concepts.length, 2));
  const line = (value) => { let d = ""; for (let t = 0; t < T; t++) d += `${t ? "L" : "M"}${t * CELL + CELL / 2} ${y(value(t)).toFixed(1)}`; return d; };
  let svg = axis(SIGNALS - AXIS) + [0, 0.5, 1].map((v) => `<line class="grid" x1="0" x2="${WIDTH}" y1="${y(v)}" y2="${y(v)}"/>`).join("");
  let marks = "", record = "";
  for (let t = 0; t < T; t++) {
    const x = t * CELL + CELL / 2;
    if (A.replanned && planned(t, i)) marks += `<line class="fired ${forced(t, i) ? "old" : ""}" x1="${x}" x2="${x}" y1="${y(0)}" y2="${y(0) + 7}"/>`;
    const missed = A.misaligned[at(t, i)];
    if (missed >= 0) record += `<circle class="record" cx="${x}" cy="${y(missed)}" r="3"/>`;
  }
  svg += `<text class="soft" x="2" y="${y(1) + 12}">1</text><text class="soft" x="2" y="${y(0) - 4}">0</text>`;
  svg += marks + `<path class="u" d="${line((t) => A.uncertainty[at(t, i)] / most)}"/>`;
  if (A.error) svg += `<path class="e" d="${line((t) => A.error[at(t, i)])}"/>`;
  box.setAttribute("viewBox", `0 0 ${WIDTH} ${SIGNALS}`);
  box.setAttribute("width", WIDTH);
  box.setAttribute("height", SIGNALS);
  box.innerHTML = svg + record + `<rect id="cursor2"/>`;
  $("whose").textContent = D.agents[i];
}

function moveCursor() {
  const place = (id, y, height) => {
    const box = { x: state.step * CELL - 0.5, y, width: CELL + 1, height };
    for (const [k, v] of Object.entries(box)) $(id).setAttribute(k, v);
  };
  place("cursor", 0, N * ROW);
  place("cursor2", 0, SIGNALS - AXIS);
  const row = { x: 0, y: state.agent * ROW + TICK - 1.5, width: WIDTH, height: BAR + 3 };
  for (const [k, v] of Object.entries(row)) $("row").setAttribute(k, v);
  for (const button of $("agents").children) button.classList.toggle("on", +button.dataset.agent === state.agent);
  $("readout").innerHTML = readout(state.step, state.agent);
}

function keepInSight() {
  const box = $("rows"), x = state.step * CELL;
  if (x < box.scrollLeft + 10 || x > box.scrollLeft + box.clientWidth - 30) box.scrollLeft = x - box.clientWidth / 2;
}

// The rows and the signals below them scroll as one.
function scrollTogether(one, other) {
  one.onscroll = () => { if (other.scrollLeft !== one.scrollLeft) other.scrollLeft = one.scrollLeft; };
  other.onscroll = () => { if (other.scrollLeft !== one.scrollLeft) one.scrollLeft = other.scrollLeft; };
}

function listReplannings() {
  const box = $("replannings");
  if (!box) return;
  const i = state.agent, rows = [];
  for (let t = 0; t < T; t++) {
    if (!planned(t, i) || !A.alive[at(t, i)]) continue;
    const before = t ? chip(best(row("plan", t - 1, i))) : "–";
    const why = forced(t, i) ? (A.plan_age[at(t, i)] ? "the plan was too old" : "there was no plan") : "called for";
    rows.push(`<tr><td class="num">${t}${clock(t)}</td><td>${why}</td><td class="num">${A.error ? number(A.error[at(t, i)]) : "–"}</td>` +
      `<td class="num">${number(A.uncertainty[at(t, i)])}</td><td class="num">${A.plan_age[at(t, i)]}</td><td>${before}</td>` +
      `<td>${likeliest(row("plan", t, i))}</td></tr>`);
  }
  $("fired").textContent = `${rows.length} replannings of ${D.agents[i]}`;
  box.innerHTML = rows.join("");
}

function startTimeline() {
  drawTimeline();
  document.documentElement.style.setProperty("--names", `${Math.max($("agents").offsetWidth + 8, 60)}px`);
  scrollTogether($("rows"), $("under"));
  for (const one of document.querySelectorAll("[data-subgoal]")) one.style.background = colour(+one.dataset.subgoal);
  for (const choice of document.querySelectorAll("#what button")) {
    choice.onclick = () => look({ what: choice.dataset.what });
  }
  const pick = (event, withAgent) => {
    const box = event.currentTarget.getBoundingClientRect();
    const step = Math.floor((event.clientX - box.left) / CELL), agent = Math.floor((event.clientY - box.top) / ROW);
    look(withAgent && agent < N ? { step, agent, edge: null } : { step });
  };
  $("timeline").onclick = (event) => pick(event, true);
  $("signals").onclick = (event) => pick(event, false);
  $("agents").onclick = (event) => {
    const button = event.target.closest("button");
    if (button) look({ agent: +button.dataset.agent, edge: null });
  };
  watchers.push((change) => {
    if ("what" in change) {
      for (const b of document.querySelectorAll("#what button")) b.classList.toggle("on", b.dataset.what === state.what);
      drawTimeline();
    }
    if ("agent" in change) { drawSignals(); listReplannings(); }
    moveCursor();
    if ("step" in change) keepInSight();
  });
}
