// Aims at elements of the last reading, beside reader.js and in the same isolated world: pages cannot touch it.
//
// Each function returns a JSON string: what the engine needs to make trusted input, or {refused: why}.
(() => {
  "use strict";
  const RENDERED = { visibilityProperty: true };
  const refused = (why) => JSON.stringify({ refused: why });

  function gone(element) {
    if (!element || !element.isConnected || !element.checkVisibility(RENDERED)) return "it is not on the page any more";
    if (element.matches(":disabled") || element.inert) return "it is disabled";
    return "";
  }

  // The middle of the largest piece of an element that a click would really reach.
  function reachable(element) {
    const pieces = Array.from(element.getClientRects());
    pieces.sort((a, b) => b.width * b.height - a.width * a.height);
    for (const piece of pieces.slice(0, 4)) {
      const x = piece.left + piece.width / 2, y = piece.top + piece.height / 2;
      if (x < 0 || y < 0 || x >= innerWidth || y >= innerHeight || piece.width === 0 || piece.height === 0) continue;
      const hit = document.elementFromPoint(x, y);
      if (hit === null) continue;
      const label = hit.closest("label");
      const inner = hit.closest("a[href],button,input,select,textarea,summary");
      const nested = inner !== null && inner !== element && element.contains(inner);
      if ((element.contains(hit) && !nested) || (label !== null && label.control === element)) return [x, y];
    }
    return null;
  }

  function aimed(element) {
    let point = reachable(element);
    if (!point) {
      element.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
      point = reachable(element);
    }
    return point;
  }

  // With leaves, what was typed on the page that is about to be left.
  const place = () => location.hostname.split(".")[0] + location.pathname + location.search;
  const leaving = (leaves) => (leaves ? { place: place(), drafts: drafts() } : {});

  // Ahead of its time nothing may be moved: what is out of sight then is aimed at when its time comes.
  function aim(k, leaves, ahead) {
    const element = window.__remalis.element(k), why = gone(element);
    if (why) return refused(why);
    const point = ahead ? reachable(element) : aimed(element);
    if (!point) return refused(ahead ? "it is out of sight" : "something covers it");
    return JSON.stringify({ x: point[0], y: point[1], ...leaving(leaves) });
  }

  // Puts the focus into a field and marks all that it holds, so that what is typed takes its place.
  function enter(k, all, leaves) {
    const element = window.__remalis.element(k), why = gone(element);
    if (why) return refused(why);
    if (!aimed(element)) return refused("something covers it");
    // A date field that has the focus keeps it on the part that was typed last; typing is to begin at the first.
    if ((element.type === "date" || element.type === "time") && document.activeElement === element) element.blur();
    element.focus({ preventScroll: true });
    if (document.activeElement !== element) return refused("it takes no focus");
    if (all && typeof element.select === "function") element.select();
    return JSON.stringify({ value: element.value ?? "", ...leaving(leaves) });
  }

  // How many arrow keys lead from the chosen option of a select to the first enabled one with this text.
  function steps(k, text) {
    const element = window.__remalis.element(k);
    const options = Array.from(element.options).filter((one) => !one.disabled && !one.closest("optgroup:disabled"));
    const to = options.findIndex((one) => one.text === text);
    if (to < 0) return refused("there is no such option");
    return JSON.stringify({ from: options.indexOf(element.selectedOptions[0] ?? null), to });
  }

  const FIELDS = "input,textarea,select";
  const fields = () => Array.from(document.querySelectorAll(FIELDS));

  function held(field) {
    if (field.localName === "select") return Array.from(field.options).map((one) => one.selected);
    if (field.type === "checkbox" || field.type === "radio") return field.checked;
    return field.type === "file" ? "" : field.value;
  }

  function hold(field, what) {
    if (JSON.stringify(held(field)) === JSON.stringify(what)) return;
    if (field.localName === "select") {
      what.forEach((selected, k) => {
        if (field.options[k]) field.options[k].selected = selected;
      });
    } else if (typeof what === "boolean") {
      field.checked = what;
    } else {
      field.value = what;
    }
  }

  // What fields hold that their page did not give them, by their places.
  function drafts() {
    const kept = [];
    fields().forEach((field, k) => {
      const given = field.localName === "select" || typeof held(field) === "boolean" ? null : field.defaultValue;
      if (field.type !== "hidden" && held(field) !== given) kept.push([k, held(field)]);
    });
    return kept;
  }

  // The document as it stands: its body, and what attributes do not tell.
  function capture() {
    const dialogs = Array.from(document.querySelectorAll("dialog"));
    const modals = dialogs.map((one, k) => (one.matches(":modal") ? k : -1)).filter((k) => k >= 0);
    const front = modals.find((k) => dialogs[k].contains(document.activeElement));
    if (front !== undefined) modals.push(...modals.splice(modals.indexOf(front), 1));
    return JSON.stringify({
      body: document.body.innerHTML, title: document.title, hash: location.hash, fields: fields().map(held), modals,
      scroll: [scrollX, scrollY],
    });
  }

  function putBack(state) {
    for (const dialog of document.querySelectorAll("dialog:modal")) dialog.close();
    if (document.body.innerHTML !== state.body) document.body.innerHTML = state.body;
    document.title = state.title;
    putDrafts(state.fields.map((what, k) => [k, what]));
    const dialogs = document.querySelectorAll("dialog");
    for (const k of state.modals) {
      dialogs[k].removeAttribute("open");
      dialogs[k].showModal();
    }
    scrollTo(...state.scroll);
    return "{}";
  }

  function putDrafts(kept) {
    const all = fields();
    for (const [k, what] of kept) {
      if (all[k]) hold(all[k], what);
    }
    return "{}";
  }

  // Where an item stands in the picture of the page, which is moved where the item is not in sight; for films.
  function show(k) {
    const element = window.__remalis.element(k);
    if (!element || !element.isConnected || !element.checkVisibility(RENDERED)) return refused("it is not to be seen");
    // Of a text the words, not the whole width that its paragraph or cell has.
    const words = document.createRange();
    words.selectNodeContents(element);
    const control = element.matches("a[href],button,input,select,textarea,summary,[role]");
    const measure = () => (control ? element : words).getBoundingClientRect();
    let box = measure();
    const moved = box.top < 0 || box.bottom > innerHeight || box.left < 0 || box.right > innerWidth;
    if (moved) {
      element.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
      box = measure();
    }
    return JSON.stringify({ box: [box.left, box.top, box.right, box.bottom], moved });
  }

  window.__remalisHands = Object.freeze({ aim, enter, steps, capture, putBack, putDrafts, show });
})();
