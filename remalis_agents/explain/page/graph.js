// The agents' graph at one step: nodes by what they are after, arrows as stacked bars of bytes by type.
const GAP = N > 30 ? 96 : 150, PAD = 46, RADIUS = N > 30 ? 13 : 18;
const spot = D.places.map(([x, y]) => [PAD + x * GAP, PAD + y * GAP]);
const hidden = new Set();
let most = 1;

function edgeBytes(t, i, k, all = false) {
  const mask = sentMask(t, i, k);
  return D.kinds.reduce((sum, kind, p) => sum + (mask & (1 << p) && (all || !hidden.has(p)) ? kind.bytes : 0), 0);
}

function greatest() {
  let found = 1;
  for (let t = 0; t < T; t++) for (let i = 0; i < N; i++) for (let k = 0; k < K; k++) {
    if (A.sent[at(t, i) * K + k]) found = Math.max(found, edgeBytes(t, i, k));
  }
  return found;
}

function arrow(t, i, k) {
  const j = neighbour(t, i, k), [x1, y1] = spot[j], [x2, y2] = spot[i];
  const length = Math.hypot(x2 - x1, y2 - y1) || 1, ux = (x2 - x1) / length, uy = (y2 - y1) / length;
  const off = 6.5, px = -uy * off, py = ux * off, from = RADIUS + 5, to = length - RADIUS - 9;
  const point = (d) => [(x1 + ux * d + px).toFixed(1), (y1 + uy * d + py).toFixed(1)];
  const [ax, ay] = point(from), [bx, by] = point(to), mask = sentMask(t, i, k);
  const on = state.edge && state.edge[0] === j && state.edge[1] === i;
  let svg = `<line class="way" x1="${ax}" y1="${ay}" x2="${bx}" y2="${by}"/>`, d = from;
  D.kinds.forEach((kind, p) => {
    if (!(mask & (1 << p)) || hidden.has(p)) return;
    const [sx, sy] = point(d);
    d += ((to - from) * kind.bytes) / most;
    const [ex, ey] = point(d);
    svg += `<line class="part" x1="${sx}" y1="${sy}" x2="${ex}" y2="${ey}" stroke="${strong(p)}"/>`;
  });
  const tip = [point(to + 7), [bx, by]].map((p) => p.map(Number));
  const wing = 5.5, head = [tip[0], [tip[1][0] - uy * wing, tip[1][1] + ux * wing], [tip[1][0] + uy * wing, tip[1][1] - ux * wing]];
  svg += `<polygon class="head" points="${head.map((p) => p.map((v) => v.toFixed(1)).join(",")).join(" ")}"/>`;
  svg += `<line class="grip" x1="${ax}" y1="${ay}" x2="${bx}" y2="${by}"><title>${esc(D.agents[j])} to ${esc(D.agents[i])}: ${edgeBytes(t, i, k, true)} B</title></line>`;
  return `<g class="arrow ${mask ? "" : "silent"} ${on ? "on" : ""}" data-edge="${j},${i}">${svg}</g>`;
}

function node(t, i) {
  const [x, y] = spot[i], there = A.alive[at(t, i)] === 1, r = RADIUS;
  const name = esc(D.agents[i]), short = D.agents[i].length <= 3;
  const on = state.agent === i && !state.edge;
  let svg = `<circle class="disc" cx="${x}" cy="${y}" r="${r}" fill="${there ? colour(intended(t, i)) : "#f1f3f5"}"/>`;
  if (there && cameTrue(t, i) === false) {
    const half = Math.sqrt(r * r - 36);
    svg += `<path d="M${x - half} ${y + 6}A${r} ${r} 0 0 0 ${x + half} ${y + 6}Z" fill="${colour(served(t, i))}" stroke="#fff" stroke-width="1.4"/>`;
  }
  svg += `<circle class="ring" cx="${x}" cy="${y}" r="${r}"/>`;
  if (A.replanned && there && planned(t, i)) {
    svg += `<path class="fresh ${forced(t, i) ? "old" : ""}" d="M${x + r * 0.7 + 6} ${y - r * 0.7 - 10}l5.5 9h-11z"/>`;
  }
  if (short) svg += `<text class="inside" x="${x}" y="${y + 4}">${name}</text>`;
  else svg += `<text class="below ${N > 30 ? "many" : ""}" x="${x}" y="${y + r + (N > 30 ? 10 : 15)}">${name.length > 14 ? `${name.slice(0, 13)}…` : name}</text>`;
  return `<g class="node ${there ? "" : "away"} ${on ? "on" : ""}" data-agent="${i}"><title>${name}</title>${svg}</g>`;
}

function drawGraph() {
  const t = state.step;
  let svg = "";
  for (let i = 0; i < N && K; i++) for (let k = 0; k < K; k++) if (neighbour(t, i, k) >= 0) svg += arrow(t, i, k);
  for (let i = 0; i < N; i++) svg += node(t, i);
  $("graph").innerHTML = svg;
  $("slider").value = t;
  $("when").textContent = `step ${t}${clock(t)}`;
}

function startGraph() {
  const box = $("graph"), xs = spot.map((p) => p[0]), ys = spot.map((p) => p[1]);
  const width = Math.max(...xs) + PAD, height = Math.max(...ys) + PAD;
  box.setAttribute("viewBox", `0 0 ${width.toFixed(0)} ${height.toFixed(0)}`);
  box.style.width = `${Math.round(width * (width > 640 ? 1 : 1.4))}px`;
  if (width > 640) {
    box.style.maxWidth = "none";
    document.querySelector(".talk").classList.add("wide");
  }
  most = greatest();
  box.onclick = (event) => {
    const found = event.target.closest("[data-agent],[data-edge]");
    if (!found) return;
    if (found.dataset.edge) look({ edge: found.dataset.edge.split(",").map(Number) });
    else look({ agent: +found.dataset.agent, edge: null });
  };
  const slider = $("slider");
  slider.max = T - 1;
  slider.oninput = () => look({ step: +slider.value });
  let playing = null;
  $("play").onclick = () => {
    if (playing) { clearInterval(playing); playing = null; } else {
      if (state.step === T - 1) look({ step: 0 });
      playing = setInterval(() => {
        if (state.step >= T - 1) { clearInterval(playing); playing = null; $("play").textContent = "▶"; }
        else look({ step: state.step + 1 });
      }, 450);
    }
    $("play").textContent = playing ? "❚❚" : "▶";
  };
  for (const button of document.querySelectorAll("#kinds button")) {
    button.onclick = () => {
      const p = +button.dataset.kind;
      hidden.has(p) ? hidden.delete(p) : hidden.add(p);
      button.classList.toggle("off", hidden.has(p));
      most = greatest();
      drawGraph();
    };
  }
  watchers.push((change) => {
    drawGraph();
    if ("agent" in change && width > 640) {
      const around = box.parentElement, scale = box.clientWidth / width;
      around.scrollLeft = spot[state.agent][0] * scale - around.clientWidth / 2;
      around.scrollTop = spot[state.agent][1] * scale - around.clientHeight / 2;
    }
    $("panel").innerHTML = state.edge ? edgeWords(...state.edge) : agentWords(state.agent);
  });
}
