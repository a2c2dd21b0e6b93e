"""Every way out is tried: first without the layers that close it, where it is open, then with each of them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import pytest

from tests.web.sandbox.stage import LAYERS, Canary, staged

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("chromium")]

ROUTES = """<body><script>
const routes = {
  fetch: (url) => fetch(url, { mode: "no-cors" }),
  post: (url) => fetch(url, { mode: "no-cors", method: "POST", body: "x" }),
  xhr: (url) => new Promise((r) => { const x = new XMLHttpRequest(); x.onloadend = r; x.open("GET", url); x.send() }),
  image: (url) => new Promise((r) => { const x = new Image(); x.onload = x.onerror = r; x.src = url }),
  script: (url) => added("script", { src: url }),
  style: (url) => added("link", { rel: "stylesheet", href: url }),
  frame: (url) => added("iframe", { src: url }),
  object: (url) => added("object", { data: url }),
  prefetch: (url) => added("link", { rel: "prefetch", href: url }),
  beacon: async (url) => navigator.sendBeacon(url, "x"),
  events: (url) => new Promise((r) => { const x = new EventSource(url); x.onerror = () => { x.close(); r() } }),
  socket: (url) => new Promise((r) => { const x = new WebSocket(url.replace("http", "ws")); x.onerror = x.onopen = r }),
  audio: (url) => new Promise((r) => { const x = new Audio(url); x.onerror = x.onloadeddata = r; x.load() }),
  worker: (url) => new Promise((r) => {
    const code = `fetch("${url}", { mode: "no-cors" }).catch(() => 0).then(() => postMessage(0))`;
    const x = new Worker(URL.createObjectURL(new Blob([code])));
    x.onerror = x.onmessage = r;
  }),
};
function added(tag, attributes) {
  return new Promise((r) => {
    const x = Object.assign(document.createElement(tag), attributes);
    x.onload = x.onerror = r;
    document.body.append(x);
  });
}
async function attempt(host) {
  window.tried = 0;
  for (const [name, route] of Object.entries(routes)) {
    const patience = new Promise((r) => setInterval(r, 4000));
    Promise.race([Promise.resolve().then(() => route(`http://${host}/${name}`)), patience]).catch(() => 0)
      .then(() => tried += 1);
  }
}
</script></body>"""
NAMES = set(re.findall(r"^  (\w+): ", ROUTES, re.MULTILINE))


@pytest.fixture
def canary() -> Iterator[Canary]:
    canary = Canary()
    yield canary
    canary.close()


@pytest.mark.parametrize(
    "layers", ((), ("namespace",), ("names",), ("content",), LAYERS), ids=lambda x: "+".join(x) or "bare"
)
def test_requests_of_a_page(layers: tuple[str, ...], canary: Canary, monkeypatch: pytest.MonkeyPatch):
    with staged(layers, monkeypatch, start=ROUTES) as stage:
        stage.open()
        for host in ("127.0.0.1", "127.0.0.2", "localhost", "any.localhost"):
            canary.caught.clear()
            stage.evaluate(f"attempt('{host}:{canary.port}')")
            stage.wait_for(f"tried === {len(NAMES)}")
            stage.wait(0.3)
            if layers:
                assert canary.caught == set(), host
            else:
                assert canary.caught >= NAMES, (host, NAMES - canary.caught)


@pytest.mark.parametrize(
    "layers", ((), ("namespace",), ("names",), ("documents",), LAYERS), ids=lambda x: "+".join(x) or "bare"
)
def test_a_page_that_goes_elsewhere(layers: tuple[str, ...], canary: Canary, monkeypatch: pytest.MonkeyPatch):
    there = f"http://localhost:{canary.port}/"
    files = {
        "assigned": f"<body><script>location = '{there}assigned'</script></body>",
        "refreshed": f"<head><meta http-equiv=refresh content='0;url={there}refreshed'></head>",
        "sent": f"<form method=post action='{there}sent'></form><script>document.forms[0].submit()</script>",
    }
    with staged(layers, monkeypatch, start="<p>Home</p>", **files) as stage:
        for name in files:
            stage.open(name)
            stage.wait(1.0)
        assert canary.caught - {"favicon.ico"} == (set() if layers else set(files))


@pytest.mark.parametrize("layers", ((), ("namespace",), LAYERS), ids=lambda x: "+".join(x) or "bare")
def test_calls_between_browsers(layers: tuple[str, ...], canary: Canary, monkeypatch: pytest.MonkeyPatch):
    page = f"""<body><script>(async () => {{
        if (!window.RTCPeerConnection) return window.done = "there is none";
        const peer = new RTCPeerConnection({{ iceServers: [{{ urls: "stun:127.0.0.1:{canary.port}" }}] }});
        peer.createDataChannel("x");
        peer.onicecandidate = (event) => {{ if (!event.candidate) window.done = "gathered" }};
        await peer.setLocalDescription(await peer.createOffer());
        setInterval(() => window.done = window.done || "waited", 8000);
        }})();</script></body>"""
    with staged(layers, monkeypatch, start=page) as stage:
        stage.open()
        stage.wait_for("window.done")
        assert ("udp" in canary.caught) == (not layers)
        if layers == LAYERS:
            assert stage.evaluate("window.done") == "there is none"


ADDRESSES = (
    "file:///etc/hostname",
    "view-source:file:///etc/hostname",
    "chrome://version/",
    "devtools://devtools/bundled/inspector.html",
    "data:text/html,<p>free</p>",
)


@pytest.mark.parametrize("address", ADDRESSES)
def test_addresses_that_no_page_may_lead_to(address: str, chromium: str, monkeypatch: pytest.MonkeyPatch):
    page = f"""<body><a id=a href="{address}">go</a><a id=b href="{address}" target=_blank>go</a><iframe id=f></iframe>
        <script>const there = "{address}";</script></body>"""
    with staged(LAYERS, monkeypatch, start=page) as stage:
        for way in (
            "location = there",
            "a.click()",
            "b.click()",
            "f.src = there",
            "open(there)",
            "location.replace(there)",
        ):
            stage.open()
            stage.evaluate(f"try {{ {way} }} catch {{}} 1")
            stage.wait(0.3)
            assert stage.evaluate("location.host") == "main.t0.e1.test", way
            assert stage.evaluate("document.getElementById('f').contentDocument?.body?.textContent || ''") == "", way
        assert stage.sandbox.policies == (chromium == "browser")
        stage.goto(address)  # not even with a free address bar, which agents do not have
        if stage.tab.lost_because:  # a shell goes there, and the tab is given up
            assert chromium == "shell" and address.startswith("data:") and "left its sites" in stage.tab.lost_because
        else:
            assert stage.evaluate("location.protocol") in ("chrome-error:", "http:")
    with staged((), monkeypatch, start=page) as stage:  # without the layers the address bar leads there
        stage.open()
        stage.goto(address)
        there = str(stage.evaluate("location.protocol")) in address
        # A shell has no pages of its own.
        assert there == (chromium == "browser" or not address.startswith(("chrome:", "devtools:")))


def test_other_episodes_and_other_tabs(monkeypatch: pytest.MonkeyPatch):
    with staged(LAYERS, monkeypatch, start="<p>Home</p>") as stage:
        stage.open()
        for host in ("main.t1.e1.test", "main.t0.e2.test", "elsewhere.test", "main.t0.e1.test.example"):
            stage.goto(f"http://{host}/seen")
            assert stage.evaluate("location.host") in ("main.t0.e1.test", "chromewebdata"), host
        assert stage.world.log == [] and len(stage.tab.stopped) >= 3


def test_windows_dialogs_and_downloads(monkeypatch: pytest.MonkeyPatch):
    page = """<body><a id=a href="/file" download="x.txt">Save</a><a id=b href="/popup" target=_blank>Popup</a><script>
        onbeforeunload = (event) => event.preventDefault();
        window.answers = [];
        const ask = () => { alert(1); answers.push(confirm(2), prompt(3)); };
        const windows = () => { for (let k = 0; k < 20; k++) open("/popup") };
        </script></body>"""
    with staged(LAYERS, monkeypatch, start=page, file="<p>file</p>", popup="<p>popup</p>") as stage:
        stage.open()
        stage.evaluate("ask(); windows(); a.click(); b.click(); 1", by_hand=True)
        stage.wait(1.0)
        assert stage.evaluate("JSON.stringify(answers)") == "[false,null]"
        found = [target["url"] for target in stage.browser.devtools.ask("Target.getTargets")["targetInfos"]]
        assert found == ["http://main.t0.e1.test/"]
        assert not any("x.txt" in name for name in _files(stage.sandbox.home))
        stage.open("file")  # a page that does not want to be left is left
        assert stage.evaluate("location.pathname") == "/file"
        assert stage.evaluate("'serviceWorker' in navigator") is False
        states = """Promise.all(["geolocation", "notifications", "camera", "clipboard-read"].map(
            (name) => navigator.permissions.query({ name }).then((found) => found.state, () => "denied")))
            .then((all) => [...new Set(all)].join())"""
        assert stage.evaluate(states) == "denied"
    with staged(("names",), monkeypatch, start=page, popup="<p>popup</p>") as stage:
        stage.open()
        stage.evaluate("windows(); 1", by_hand=True)
        stage.wait(1.0)
        assert stage.browser.popups > 0  # it does try, and the window is closed before it loads
        assert len(stage.browser.devtools.ask("Target.getTargets")["targetInfos"]) == 1


def test_a_page_that_floods_the_console(monkeypatch: pytest.MonkeyPatch):
    page = """<body><script>const line = "x".repeat(10000);
        for (let k = 0; k < 20000; k++) console.log(line + k);
        window.done = true;</script></body>"""
    with staged(LAYERS, monkeypatch, start=page) as stage:
        stage.open()
        stage.wait_for("window.done")
        assert len(stage.browser.devtools._coming) < 1 << 20


def _files(folder: str) -> list[str]:
    return [name for _, _, names in os.walk(folder) for name in names]
