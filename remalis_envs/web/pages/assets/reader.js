// Reads a rendered page into the ordered list of its controls and texts; reading.py, contexts.py and tags.py keep the same rules on trees.
//
// Everything is computed from the document as it is rendered: nothing that was written for the reader is looked at.
// window.__remalis.read(boxes) gives a JSON string, .element(k) the element of item k, .point(k) where to click it.
// .readSoon(n) reads once the tasks have run that stand in the queue now; its items are .element's from .take(n) on.
(() => {
  "use strict";
  if (window.__remalis) return;
  const CONTEXT_CHARACTERS = 80;
  const SKIPPED = 1, INLINE = 2, CONTROL = 3, LABEL = 4, ROW = 5, CELL = 6, GROUP = 7, DETAILS = 8, DIALOG = 9;
  const FORM = 10, BREAK = 11, IMAGE = 12;
  const KINDS = new Map();
  const kinds = (kind, tags) => tags.split(" ").forEach((tag) => KINDS.set(tag, kind));
  kinds(SKIPPED, "script style template head datalist noscript option svg link");
  kinds(INLINE, "span strong em b i u s small time abbr code kbd sub sup mark q cite data var samp del ins bdi");
  kinds(CONTROL, "a button input select textarea summary");
  kinds(ROW, "tr li");
  kinds(CELL, "td th dt dd");
  kinds(GROUP, "section article aside nav fieldset main header footer");
  kinds(LABEL, "label");
  kinds(DETAILS, "details");
  kinds(DIALOG, "dialog");
  kinds(FORM, "form");
  kinds(BREAK, "br");
  kinds(IMAGE, "img");
  const TEXT_ROLE = {
    h1: "heading", h2: "heading", h3: "heading", h4: "heading", h5: "heading", h6: "heading", li: "listitem",
    td: "cell", th: "columnheader", dt: "term", dd: "definition", legend: "legend", output: "status",
  };
  const INPUT_ROLE = {
    search: "searchbox", number: "spinbutton", checkbox: "checkbox", radio: "radio", date: "date", submit: "button",
    button: "button", reset: "button",
  };
  const TEXT_ROLES = new Set([
    "heading", "text", "cell", "columnheader", "listitem", "term", "definition", "legend", "status", "alert",
  ]);
  const RENDERED = { visibilityProperty: true };
  let elements = [];

  const fold = (text) => text.replace(/\s+/g, " ").trim();
  const attribute = (element, name) => element.getAttribute(name) || "";
  const hidden = (element) =>
    !element.checkVisibility(RENDERED) || element.getAttribute("aria-hidden") === "true";
  const siteOf = (url) => url.hostname.split(".")[0];
  const makeBox = (kind, outer, heading) =>
    ({ kind, outer, heading: heading || "", names: [], column: -1, first: null, table: [], told: null });

  function ownText(element, controls) {
    const pieces = [];
    gather(element, pieces, controls);
    return fold(pieces.join(""));
  }

  function gather(element, pieces, controls) {
    for (const child of element.childNodes) {
      if (child.nodeType === 3) pieces.push(child.data);
      if (child.nodeType !== 1) continue;
      const kind = KINDS.get(child.localName) || 0;
      if (kind === SKIPPED || (kind !== BREAK && hidden(child)) || (kind === CONTROL && !controls)) continue;
      if (kind === IMAGE) {
        pieces.push(` ${attribute(child, "alt")} `);
      } else if (kind === INLINE) {
        gather(child, pieces, controls);
      } else {
        pieces.push(" ");
        gather(child, pieces, controls);
        pieces.push(" ");
      }
    }
  }

  class Reader {
    constructor() {
      this.records = [];
      this.modals = [];
    }

    block(element, role, box) {
      const records = this.records, at = records.length, pieces = [];
      this.walk(element, pieces, box);
      const text = fold(pieces.join(""));
      if (!text) return;
      records.splice(at, 0, { element, role, name: text, box });
      this.told(role, text, box);
    }

    told(role, text, box) {
      if (box.kind === ROW || box.kind === CELL) {
        box.names.push(text);
        if (box.kind === CELL && box.outer) box.outer.names.push(text);
      } else if (!box.heading && (role === "heading" || role === "legend")) {
        box.heading = text;
      }
    }

    walk(element, pieces, box) {
      for (const child of element.childNodes) {
        if (child.nodeType === 3) pieces.push(child.data);
        if (child.nodeType !== 1) continue;
        const tag = child.localName, kind = KINDS.get(tag) || 0;
        if (kind === SKIPPED || (kind !== BREAK && hidden(child))) continue;
        const role = attribute(child, "role");
        if (role === "status" || role === "alert" || tag === "output") {
          pieces.push(" ");
          this.live(child, role || "status", box);
        } else if (kind === INLINE) {
          this.walk(child, pieces, box);
        } else if (kind === 0) {
          pieces.push(" ");
          let inner = box;
          if (role === "tabpanel" || role === "group" || role === "radiogroup") {
            inner = makeBox(GROUP, box, attribute(child, "aria-label"));
          } else if (tag === "table") {
            inner = makeBox(0, box);
          }
          this.block(child, TEXT_ROLE[tag] || "text", inner);
        } else if (kind === CONTROL) {
          pieces.push(" ");
          this.control(child, role, box, false);
        } else {
          pieces.push(" ");
          this.special(child, tag, kind, pieces, box);
        }
      }
    }

    special(child, tag, kind, pieces, box) {
      if (kind === ROW) {
        const row = makeBox(ROW, box);
        if (tag === "tr") row.table = box.table;
        this.block(child, TEXT_ROLE[tag] || "text", row);
      } else if (kind === CELL) {
        const role = tag === "th" && child.getAttribute("scope") === "row" ? "cell" : TEXT_ROLE[tag];
        this.block(child, role, makeCell(box, tag, role === "columnheader"));
      } else if (kind === GROUP || kind === FORM) {
        this.block(child, "text", makeBox(GROUP, box, attribute(child, "aria-label")));
      } else if (kind === LABEL) {
        this.walk(child, [], box);
      } else if (kind === DETAILS) {
        if (child.open) {
          this.block(child, "text", makeBox(GROUP, box));
        } else {
          const summary = Array.from(child.children).find((one) => one.localName === "summary");
          if (summary) this.control(summary, "", box, true);
        }
      } else if (kind === DIALOG) {
        const inner = makeBox(GROUP, box, attribute(child, "aria-label"));
        if (child.matches(":modal")) {
          const outside = this.records;
          this.records = [];
          this.block(child, "text", inner);
          this.modals.push({ element: child, records: this.records });
          this.records = outside;
        } else {
          this.block(child, "text", inner);
        }
      } else if (kind === IMAGE) {
        pieces.push(attribute(child, "alt") + " ");
      }
    }

    live(element, role, box) {
      const at = this.records.length, text = ownText(element, false);
      this.walk(element, [], makeBox(GROUP, box, text));
      const controls = this.records.splice(at).filter((record) => !TEXT_ROLES.has(record.role));
      if (text) this.records.push({ element, role, name: text, box });
      this.records.push(...controls);
    }

    control(element, role, box, closed) {
      const tag = element.localName;
      let name = "";
      if (tag === "input") {
        const kind = attribute(element, "type");
        if (kind === "hidden") return;
        const combobox = role === "combobox" || element.hasAttribute("list");
        role = combobox ? "combobox" : INPUT_ROLE[kind] || "textbox";
      } else if (tag === "select") {
        role = "combobox";
      } else if (tag === "textarea") {
        role = "textbox";
      } else if (tag === "a" && !element.hasAttribute("href")) {
        this.block(element, "text", box);
        return;
      } else {
        role = role === "tab" ? "tab" : { a: "link", button: "button", summary: "summary" }[tag];
        name = attribute(element, "aria-label") || ownText(element, true);
        if (role === "link") {
          this.told(role, name, box);
        } else if (!box.heading && (box.kind === CELL || (role === "summary" && !closed))) {
          box.heading = name;
        }
      }
      this.records.push({ element, role, name, box, closed });
    }
  }

  function makeCell(box, tag, heads) {
    const cell = makeBox(CELL, box);
    if (tag === "dt") {
      box.first = cell;
    } else if (tag === "dd") {
      cell.first = box.first;
    } else if (box.kind === ROW) {
      box.column += 1;
      cell.column = box.column;
      if (box.first === null) box.first = cell;
      else cell.first = box.first;
      if (heads && box.table.length === box.column) box.table.push(cell);
      cell.table = box.table;
    }
    return cell;
  }

  const shortened = (text) =>
    text.length > CONTEXT_CHARACTERS ? Array.from(text).slice(0, CONTEXT_CHARACTERS).join("") : text;

  function contextOf(box, name, role) {
    if (box.kind === CELL) {
      const text = cellContext(box, role);
      if (text && text !== name) return shortened(text);
      const heads = box.table[box.column] === box;
      box = box.outer || box;
      if (heads) box = box.outer || box; // the other headings say nothing about this one
    }
    for (; box; box = box.outer) {
      if (box.told === null) box.told = box.kind === ROW ? box.names.join(" ") : box.heading;
      if (box.told && box.told !== name) return shortened(box.told);
    }
    return "";
  }

  function cellContext(cell, role) {
    if (role === "columnheader") return "";
    if (TEXT_ROLES.has(role)) {
      const parts = [], head = cell.table[cell.column];
      if (head && head !== cell) parts.push(head.names.join(" ") || head.heading);
      if (cell.first) parts.push(cell.first.names.join(" "));
      return parts.filter((part) => part).join(" · ");
    }
    return cell.first && cell.column < 0 ? cell.first.names.join(" ") : "";
  }

  function nameOf(element) {
    let name = attribute(element, "aria-label");
    if (!name && element.labels) {
      const labels = Array.from(element.labels).filter((label) => !hidden(label));
      name = fold(labels.map((label) => ownText(label, false)).join(" "));
    }
    const kind = attribute(element, "type");
    if (!name && (kind === "submit" || kind === "button" || kind === "reset")) {
      name = attribute(element, "value") || { submit: "Submit", reset: "Reset" }[kind] || "";
    }
    return fold(name || attribute(element, "title") || attribute(element, "placeholder"));
  }

  function formOf(element) {
    const form = element.form;
    if (!form) return "";
    let method = attribute(form, "method"), action = attribute(form, "action");
    if (element.hasAttribute("formaction")) {
      action = attribute(element, "formaction");
      method = attribute(element, "formmethod") || method;
    }
    method = method.toUpperCase();
    if (method === "DIALOG") return "";
    const url = new URL(action || location.href, location.href);
    const site = siteOf(url) === siteOf(location) ? "" : siteOf(url);
    return `${method === "POST" ? "POST" : "GET"} ${site}${url.pathname}`;
  }

  function hrefOf(element) {
    const url = new URL(attribute(element, "href"), location.href);
    const site = siteOf(url) === siteOf(location) ? "" : siteOf(url);
    return site + url.pathname + url.search + (url.hash === "#" ? "" : url.hash);
  }

  // An item, as the arguments of Item in their order.
  function itemOf(record) {
    const { element, role, box } = record;
    if (TEXT_ROLES.has(role)) {
      return [role, record.name, "", contextOf(box, record.name, role), "", "", "", [], null, null, null, false];
    }
    const tag = element.localName, name = record.name || nameOf(element), context = contextOf(box, name, role);
    if (tag === "a") return [role, name, "", context, "", hrefOf(element), "", [], null, null, null, false];
    if (tag === "summary") return [role, name, "", context, "", "", "", [], null, !record.closed, null, false];
    const fallback = tag === "button" ? "submit" : tag === "input" ? "text" : tag;
    let value = "", options = [], checked = null;
    if (role === "checkbox" || role === "radio") {
      checked = element.checked;
    } else if (tag === "select") {
      const chosen = element.selectedOptions[0];
      value = chosen ? chosen.text : "";
      options = Array.from(element.options).filter((one) => !one.disabled).map((one) => one.text);
    } else if (role !== "button" && role !== "tab") {
      value = element.value;
    }
    const opened = attribute(element, "aria-expanded");
    return [
      role, name, value, context, attribute(element, "type") || fallback, "", formOf(element), options, checked,
      opened ? opened === "true" : null,
      role === "tab" ? attribute(element, "aria-selected") === "true" : null,
      element.matches(":disabled") || element.readOnly === true,
    ];
  }

  function boxOf(element) {
    const { left, top, width, height } = element.getBoundingClientRect();
    const x = left + width / 2, y = top + height / 2;
    const inside = x >= 0 && y >= 0 && x < innerWidth && y < innerHeight && width > 0 && height > 0;
    const hit = inside ? document.elementFromPoint(x, y) : null;
    return [x, y, inside, hit !== null && (element.contains(hit) || hit.contains(element))];
  }

  function read(boxes) {
    const reader = new Reader();
    let records = reader.records;
    if (document.body) reader.block(document.body, "text", makeBox(0, null));
    if (reader.modals.length) {
      // Only the topmost one can be used; it holds the focus.
      const active = reader.modals.filter((modal) => modal.element.contains(document.activeElement));
      records = (active.length ? active : reader.modals).at(-1).records;
    }
    elements = records.map((record) => record.element);
    return JSON.stringify({
      url: siteOf(location) + location.pathname + location.search,
      title: document.title,
      dialog: reader.modals.length > 0,
      items: records.map(itemOf),
      boxes: boxes ? records.map((record) => (TEXT_ROLES.has(record.role) ? null : boxOf(record.element))) : null,
    });
  }

  // Scrolls item k into view; [x, y, in the viewport, hit] of its middle, or null where it is gone or hidden.
  function point(k) {
    const element = elements[k];
    if (!element || !element.isConnected || !element.checkVisibility(RENDERED)) return "null";
    let box = boxOf(element);
    if (!box[2] || !box[3]) {
      element.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
      box = boxOf(element);
    }
    return JSON.stringify(box);
  }

  // One task more than instrument.js lets run, so that at a page at rest its answer is the first of the two. The engine
  // goes by that order: a reading that comes before the page was said to be at rest may be too early.
  const TASKS = 3;
  let ahead = { number: -1, elements: [] };
  const { MessageChannel, Promise } = window;

  const task = () => new Promise((resolve) => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => {
      channel.port1.close();
      resolve();
    };
    channel.port2.postMessage(0);
  });

  async function readSoon(number) {
    for (let k = 0; k < TASKS; k += 1) await task();
    const held = elements;
    const text = read(false);
    ahead = { number, elements };
    elements = held; // somebody may still speak of the items of the reading before
    return text;
  }

  function take(number) {
    if (ahead.number === number) elements = ahead.elements;
  }

  window.__remalis = { read, readSoon, take, point, element: (k) => elements[k] };
})();
