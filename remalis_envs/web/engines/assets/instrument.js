// Runs before any script of a page, in the page's own world: counts what is still to come, and stops the clock.
//
// window.__remalisPage.settled() is a promise that holds once the document has been parsed, no request of the page's
// own is open, no timer of less than SHORT_MS runs, and what these queued has run. Longer timers are waited for where
// they end within PATIENCE_MS of the moment at which the page was last at rest, by the timers' own delays and not by a
// watch, so that a slow machine changes nothing and a page that asks again and again comes to rest. Animation frames
// are not waited for: a tab may get none. NOW_MS, SEED and PATIENCE_MS are written in before the script is handed over.
((NOW_MS, SEED, PATIENCE_MS) => {
  "use strict";
  if (window.__remalisPage) return;
  const SHORT_MS = 100;
  const { setTimeout, clearTimeout, fetch, MessageChannel, Promise, document } = window;
  const short = new Set();
  let open = 0;
  let reached = 0; // by the delays of timers that have ended since the page was at rest
  let waiting = [];

  const idle = () => open === 0 && short.size === 0 && document.readyState !== "loading";
  const changed = () => {
    if (!idle()) return;
    const resolved = waiting;
    waiting = [];
    for (const resolve of resolved) resolve();
  };
  document.addEventListener("readystatechange", changed);

  const begin = () => {
    open += 1;
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      open -= 1;
      changed();
    };
  };

  window.setTimeout = function (callback, delay, ...rest) {
    const wait = Math.max(Number(delay) || 0, 0), end = reached + wait;
    if (typeof callback !== "function" || (wait >= SHORT_MS && end > PATIENCE_MS)) {
      return setTimeout.call(window, callback, delay, ...rest);
    }
    const timer = setTimeout.call(window, () => {
      reached = Math.max(reached, end);
      try {
        callback.apply(window, rest);
      } finally {
        short.delete(timer);
        changed();
      }
    }, delay);
    short.add(timer);
    return timer;
  };
  window.clearTimeout = function (timer) {
    short.delete(timer);
    clearTimeout.call(window, timer);
    changed();
  };
  window.clearInterval = window.clearTimeout; // HTML lets either stop the other's

  // A request is open until its body has been read: what the page makes of it comes right after.
  window.fetch = function (...request) {
    const end = begin();
    const answer = fetch.apply(window, request);
    answer.then((response) => response.clone().arrayBuffer()).then(end, end);
    return answer;
  };
  const send = XMLHttpRequest.prototype.send;
  XMLHttpRequest.prototype.send = function (...body) {
    const end = begin();
    this.addEventListener("loadend", end);
    try {
      return send.apply(this, body);
    } catch (error) {
      end();
      throw error;
    }
  };

  // Lets the tasks run that stand in the queue now.
  const hop = () => new Promise((resolve) => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => {
      channel.port1.close();
      resolve();
    };
    channel.port2.postMessage(0);
  });

  async function settled() {
    do {
      if (!idle()) await new Promise((resolve) => waiting.push(resolve));
      await hop();
      await hop();
    } while (!idle());
    reached = 0;
    return true;
  }

  const NaturalDate = Date;
  const StoppedDate = function Date(...parts) {
    if (!new.target) return new NaturalDate(NOW_MS).toString();
    return Reflect.construct(NaturalDate, parts.length ? parts : [NOW_MS], new.target);
  };
  StoppedDate.prototype = NaturalDate.prototype;
  StoppedDate.prototype.constructor = StoppedDate;
  Object.defineProperties(StoppedDate, {
    now: { value: () => NOW_MS }, parse: { value: NaturalDate.parse }, UTC: { value: NaturalDate.UTC },
  });
  window.Date = StoppedDate;

  // mulberry32: short, and good enough for pages.
  let state = SEED >>> 0;
  Math.random = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };

  window.open = () => null;
  delete window.RTCPeerConnection;
  delete window.webkitRTCPeerConnection;
  Object.defineProperty(window, "__remalisPage", { value: Object.freeze({ settled, idle }) });
})("NOW_MS", "SEED", "PATIENCE_MS");
