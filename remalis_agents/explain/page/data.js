// What was recorded, and small helpers; the other files stand behind this one in one function.
const D = JSON.parse(document.getElementById("data").textContent);
const N = D.agents.length, T = D.steps, S = D.subgoals.length;
const K = D.arrays.neighbour ? D.arrays.neighbour.shape[2] : 0;
const TYPES = { u1: Uint8Array, i2: Int16Array, f4: Float32Array };
const A = {};
for (const [name, one] of Object.entries(D.arrays)) {
  const bytes = Uint8Array.from(atob(one.data), (c) => c.charCodeAt(0));
  A[name] = new TYPES[one.type](bytes.buffer);
}

const PASTEL = ["#7fb3e6", "#f6ae6d", "#8fcf8a", "#c3a1e0", "#d9a78b", "#f2a3c6", "#74d0c8", "#cfd6dd", "#e8d36a", "#ee8a86", "#a9b4f0", "#b9d96b"];
const STRONG = ["#0b6e99", "#c8501e", "#2f7d3b", "#7d4bb0", "#b8860b", "#c02e6d", "#00857a", "#5a5fd0", "#8a5a3c"];
const colour = (k) => (k < 0 ? "#fff" : PASTEL[k] ?? `hsl(${(k * 137.5) % 360} 55% 74%)`);
const strong = (k) => STRONG[k % STRONG.length];
const $ = (id) => document.getElementById(id);
const esc = (text) => String(text).replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);
const pct = (share) => `${Math.round(100 * share)}%`;
const at = (t, i) => t * N + i;
const row = (name, t, i, width = S) => A[name].subarray(at(t, i) * width, (at(t, i) + 1) * width);
const slotRow = (name, t, i, k, slots = K) => {
  const start = (at(t, i) * slots + k) * S;
  return A[name].subarray(start, start + S);
};
const neighbour = (t, i, k) => A.neighbour[at(t, i) * K + k];
const slotOf = (t, i, j) => {
  for (let k = 0; k < K; k++) if (neighbour(t, i, k) === j) return k;
  return -1;
};
const sentMask = (t, i, k) => A.sent[at(t, i) * K + k];
const best = (values) => values.reduce((top, v, k) => (v > values[top] ? k : top), 0);
const ranked = (values, least = 0) =>
  [...values].map((v, k) => [k, v / 255]).filter(([, v]) => v > least).sort((a, b) => b[1] - a[1]);
const chip = (k) => `<i class="chip" style="background:${colour(k)}"></i>${esc(D.subgoals[k])}`;
const likeliest = (values) => { const k = best(values); return `${chip(k)} <small>${pct(values[k] / 255)}</small>`; };
const number = (v) => (v === undefined ? "–" : Math.abs(v) < 0.005 ? "0.00" : v.toFixed(2));
const clock = (t) => {
  if (D.step_s === null) return "";
  const s = Math.round(t * D.step_s), m = Math.floor(s / 60);
  return ` (${m}:${String(s % 60).padStart(2, "0")})`;
};
const planned = (t, i) => (A.replanned ? A.replanned[at(t, i)] === 1 : true);
const forced = (t, i) => !!A.forced && A.forced[at(t, i)] === 1;

// What is looked at now, and who wants to know when that changes.
const state = { step: 0, agent: 0, edge: null, what: D.first };
const watchers = [];
function look(change) {
  Object.assign(state, change);
  state.step = Math.min(Math.max(state.step, 0), T - 1);
  for (const watcher of watchers) watcher(change);
}
const intended = (t, i, what = state.what) => best(row(what, t, i));
const served = (t, i) => A.served[at(t, i)];
const cameTrue = (t, i) => (served(t, i) < 0 ? null : intended(t, i) === served(t, i));
