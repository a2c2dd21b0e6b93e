// Reads pages that were not made for the suite, in place of the suite's own reader and with the same answers.
//
// Beside native controls, what hears clicks, has a role of a control or a pointer's cursor counts as a button, shapes
// of drawings too. Runs in the isolated world: pages cannot touch it.
(() => {
  "use strict";
  if (window.__remalisOthers) return;
  window.__remalisOthers = true;
  const CHARACTERS = 80;
  const RENDERED = { visibilityProperty: true };
  const SKIPPED = new Set(["script", "style", "template", "head", "datalist", "noscript", "option", "link", "defs"]);
  const NATIVE = "a[href],button,input:not([type=hidden]),select,textarea,summary";
  const PRESSED = "[role=button],[role=tab],[role=link],[role=menuitem],[role=option],[role=switch],[onclick]," +
    "[data-remalis-hears],a:not([href])";
  const INPUT_ROLE = {
    search: "searchbox", number: "spinbutton", checkbox: "checkbox", radio: "radio", date: "date", submit: "button",
    button: "button", reset: "button", image: "button",
  };
  const HEADING = /^h[1-6]$/;
  const BLOCK = /^(block|flex|grid|list-item|table|table-row|table-cell|table-caption)$/;
  let elements = [];

  const fold = (text) => (text || "").replace(/\s+/g, " ").trim();
  const short = (text) => Array.from(fold(text)).slice(0, CHARACTERS).join("");
  const attribute = (element, name) => element.getAttribute(name) || "";
  const textOf = (element) => fold(element.innerText ?? element.textContent);
  const siteOf = (url) => url.hostname.split(".")[0];

  function hidden(element) {
    return !element.checkVisibility(RENDERED) || element.getAttribute("aria-hidden") === "true";
  }

  const points = (element) => element instanceof HTMLElement && getComputedStyle(element).cursor === "pointer";

  function pressed(element) {
    if (element.matches(PRESSED)) return true;
    return points(element) && !points(element.parentElement ?? element.ownerDocument.body);
  }

  const words = (text) => fold(text.replace(/([a-z])([A-Z])/g, "$1 $2").replace(/[-_]+/g, " "));

  // What a thing without words looks like.
  function lookOf(element) {
    if (element instanceof SVGElement) {
      const style = element.style.fill || attribute(element, "fill");
      return fold(`${style} ${element.localName}`);
    }
    const painted = element.style.backgroundColor;
    if (painted) return painted;
    const picture = element.localName === "img" ? element : element.querySelector("img");
    if (picture) return words(attribute(picture, "alt") || attribute(picture, "src").split("/").at(-1).split(".")[0]);
    return words(attribute(element, "id") || attribute(element, "class"));
  }

  const beside = (node) => (node ? fold(node.nodeType === 3 ? node.data : node.innerText) : "");

  function fieldName(element, role) {
    if (element.labels && element.labels.length) {
      const name = fold(Array.from(element.labels).map((label) => textOf(label)).join(" "));
      if (name) return name;
    }
    const told = attribute(element, "placeholder") || attribute(element, "title");
    if (told) return fold(told);
    const boxed = role === "checkbox" || role === "radio";
    const near = boxed ? element.nextSibling : element.previousSibling;
    const next = boxed ? element.nextElementSibling : element.previousElementSibling;
    return short(beside(near) || beside(next)) || words(attribute(element, "name") || element.id);
  }

  function contextOf(element, name) {
    let around = element.parentElement;
    for (let k = 0; around && k < 3 && around !== document.body; k += 1, around = around.parentElement) {
      if (around.querySelector("[aria-hidden=true]")) break;
      // What surrounds many controls says nothing about one of them, unless it is a row.
      if (!around.matches("tr,li,fieldset") && around.querySelectorAll(`${NATIVE},${PRESSED}`).length > 1) break;
      const text = short(textOf(around));
      if (text && text !== name) return text;
    }
    return "";
  }

  function formOf(element) {
    const form = element.form;
    if (!form) return "";
    const method = (attribute(element, "formmethod") || attribute(form, "method")).toUpperCase();
    const url = new URL(attribute(element, "formaction") || attribute(form, "action") || location.href, location.href);
    return `${method === "POST" ? "POST" : "GET"} ${siteOf(url) === siteOf(location) ? "" : siteOf(url)}${url.pathname}`;
  }

  function buttonOf(element, form) {
    const label = attribute(element, "aria-label") || textOf(element) || attribute(element, "value") ||
      attribute(element, "title");
    const name = short(label || lookOf(element));
    const off = element.matches(":disabled,[aria-disabled=true],.ui-state-disabled");
    return ["button", name, "", contextOf(element, name), "button", "", form, [], null, null, null, off];
  }

  function linkOf(element) {
    const url = new URL(attribute(element, "href"), location.href), name = short(textOf(element) || lookOf(element));
    const href = (siteOf(url) === siteOf(location) ? "" : siteOf(url)) + url.pathname + url.search + url.hash;
    return ["link", name, "", contextOf(element, name), "", href, "", [], null, null, null, false];
  }

  function controlOf(element) {
    const tag = element.localName;
    if (tag === "a") return linkOf(element);
    const kind = attribute(element, "type").toLowerCase();
    const role = tag === "input" ? INPUT_ROLE[kind] || "textbox" : tag === "select" ? "combobox" : "textbox";
    if (tag === "button" || tag === "summary" || role === "button") return buttonOf(element, formOf(element));
    if (element.readOnly) { // what opens a calendar, say
      const [, name] = buttonOf(element, ""), named = name || fieldName(element, role);
      return ["button", named, "", contextOf(element, named), "button", "", "", [], null, null, null, element.disabled];
    }
    const name = fold(attribute(element, "aria-label")) || fieldName(element, role);
    let value = "", options = [], checked = null;
    if (role === "checkbox" || role === "radio") checked = element.checked;
    else if (tag === "select") {
      value = element.selectedOptions[0]?.text ?? "";
      options = Array.from(element.options).filter((one) => !one.disabled).map((one) => one.text);
    } else value = element.value;
    const type = kind || (tag === "input" ? "text" : tag);
    const off = element.disabled;
    return [role, name, value, contextOf(element, name), type, "", formOf(element), options, checked, null, null, off];
  }

  const textItem = (role, text, context) => [role, text, "", context, "", "", "", [], null, null, null, false];

  class Reader {
    constructor() {
      this.items = [];
      this.elements = [];
    }

    push(element, item) {
      this.items.push(item);
      this.elements.push(element);
    }

    flush(element, pieces) {
      const text = fold(pieces.join(""));
      pieces.length = 0;
      if (!text) return;
      this.push(element, textItem(HEADING.test(element.localName) ? "heading" : "text", text, ""));
    }

    // Texts are collected block by block; heard says that something around hears the clicks of what stands in it.
    walk(element, pieces, heard) {
      for (const child of element.childNodes) {
        if (child.nodeType === 3) pieces.push(child.data);
        if (child.nodeType !== 1 || SKIPPED.has(child.localName) || hidden(child)) continue;
        const native = child.matches(NATIVE);
        const inner = !native && child.querySelector(`${NATIVE},${PRESSED}`) !== null;
        if (native || (!inner && this.isPressed(child, heard))) {
          this.flush(element, pieces);
          this.push(child, native ? controlOf(child) : buttonOf(child, ""));
          continue;
        }
        const block = BLOCK.test(getComputedStyle(child).display), below = heard || this.hears(child);
        if (block) this.flush(element, pieces);
        this.walk(child, pieces, below);
        if (block) this.flush(child, pieces);
      }
    }

    hears(element) {
      return element.hasAttribute("data-remalis-hears") || element.hasAttribute("onclick");
    }

    // Whoever hears clicks for many small things looks at which of them it was.
    isPressed(element, heard) {
      if (element.childElementCount > 1 && this.hears(element)) return false;
      if (pressed(element)) return element.childElementCount <= 4;
      const { width, height } = element.getBoundingClientRect();
      return heard && element.childElementCount === 0 && width > 0 && height > 0;
    }
  }

  function read() {
    const reader = new Reader(), pieces = [];
    if (document.body) {
      reader.walk(document.body, pieces, false);
      reader.flush(document.body, pieces);
    }
    elements = reader.elements;
    return JSON.stringify({
      url: siteOf(location) + location.pathname + location.search, title: document.title, dialog: false,
      items: reader.items, boxes: null,
    });
  }

  window.__remalis = { read, point: () => "null", element: (k) => elements[k] };
})();
