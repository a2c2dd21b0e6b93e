// Where an element stands, told so that both sides find it: numbers of children from the root down. BrowserGym takes
// what is for a person's eyes alone off the page, so that it counts on neither side.
const SKIPPED = ["reward-display", "click-canvas", "sync-task-cover"];
const childrenOf = (one) => Array.from(one.children).filter((child) => !SKIPPED.includes(child.id));

function pathOf(element) {
  const path = [];
  for (let one = element; one.parentElement; one = one.parentElement) {
    path.unshift(childrenOf(one.parentElement).indexOf(one));
  }
  return { path, tag: element.localName };
}

function elementAt(path) {
  let one = document.documentElement;
  for (const k of path) {
    one = childrenOf(one)[k];
    if (!one) return null;
  }
  return { tag: one.localName, bid: one.getAttribute("bid") };
}

// Every element of the task's area with its own words, to tell whether two pages are the same.
function outline() {
  const words = (one) => Array.from(one.childNodes).filter((node) => node.nodeType === 3).map((node) => node.data);
  return Array.from(document.querySelectorAll("#area *")).map(
    (one) => `${one.localName} ${words(one).join(" ").replace(/\s+/g, " ").trim()}`.trim(),
  );
}
