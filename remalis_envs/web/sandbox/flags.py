"""The command line of the browser: what is switched off, and which names lead anywhere."""

from __future__ import annotations

import os

RESOLVER_RULES = "MAP *.test 127.0.0.1:{port}, MAP * ~NOTFOUND"
"""Every host of an episode is our one listener; no other name, address or port can be reached, loopback included."""

OFF = (
    "AutofillServerCommunication",
    "BackForwardCache",  # a page that is come back to is loaded again, as the model engine does
    "CertificateTransparencyComponentUpdater",
    "DeferRendererTasksAfterInput",  # a page's other tasks, settling and reading too, would wait 10 ms for a frame
    "DialMediaRouteProvider",
    "GlobalMediaControls",
    "HttpsFirstBalancedModeAutoEnable",
    "HttpsUpgrades",  # our sites speak HTTP; the upgrade would try another port first
    "InterestFeedContentSuggestions",
    "LensOverlay",
    "MediaRouter",
    "NetworkTimeServiceQuerying",
    "OptimizationHints",
    "PaintHolding",  # a new page takes input at once
    "RenderDocument",  # every page would get a renderer's frame and view of its own, in the same process: 12 ms
    "PreloadTopChromeWebUI",  # this and the next four: panels of the browser's own, a process for each window
    "InitialWebUI",
    "WebUIOmniboxAimPopup",
    "WebUIOmniboxFullPopup",
    "WebUIOmniboxPopup",
    "Prerender2",
    "Translate",
    "WebRtcHideLocalIpsWithMdns",
)

FLAGS = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-first-run",
    "--no-default-browser-check",
    "--no-service-autorun",
    "--no-startup-window",
    "--no-pings",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--disable-breakpad",
    "--disable-crash-reporter",
    "--disable-client-side-phishing-detection",
    "--disable-component-extensions-with-background-pages",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-field-trial-config",
    "--disable-gpu",
    "--disable-hang-monitor",
    "--disable-notifications",
    "--disable-prompt-on-repost",
    "--disable-search-engine-choice-screen",
    "--disable-smooth-scrolling",
    "--disable-sync",
    "--dns-prefetch-disable",
    "--force-color-profile=srgb",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--hide-scrollbars",
    "--lang=en-US",  # dates are typed as month, day, year
    "--metrics-recording-only",
    "--mute-audio",
    "--password-store=basic",
    "--site-per-process",
    "--use-mock-keychain",
    "--window-size=1280,900",
    "--disable-features=" + ",".join(OFF),
    f"--host-resolver-rules={RESOLVER_RULES}",
)


POLICY = {
    # A pattern without a scheme's own rule does not hold for the browser's own pages: each is named.
    "URLBlocklist": [
        "*",
        *(f"{scheme}://*" for scheme in ("chrome", "chrome-untrusted", "devtools", "file", "javascript")),
        "data:*",
        "view-source:*",
    ],
    "URLAllowlist": ["http://test", "about:blank"],
    "DownloadRestrictions": 3,
    "AllowFileSelectionDialogs": False,
    "DefaultPopupsSetting": 2,
    "DefaultGeolocationSetting": 2,
    "DefaultNotificationsSetting": 2,
    "DefaultClipboardSetting": 2,
    "NetworkPredictionOptions": 2,
    "DnsOverHttpsMode": "off",
    "BuiltInDnsClientEnabled": False,
    "WebRtcIPHandling": "disable_non_proxied_udp",
    "PasswordManagerEnabled": False,
    "AutofillAddressEnabled": False,
    "AutofillCreditCardEnabled": False,
    "PrintingEnabled": False,
    "SearchSuggestEnabled": False,
    "BackgroundModeEnabled": False,
}
"""What an administrator would set: in force where the guardian has a namespace for files, but not in a shell."""


def command_line(program: str, home: str, more: tuple[str, ...] = ()) -> list[str]:
    """The command that starts the browser; ``{port}`` in it stands for the listener's.

    Args:
        program: the browser.
        home: folder for its profile.
        more: flags of the caller's; of two of one name the browser takes the last.
    """
    # A process for each tab is what a reset spends most on; tabs of one episode share as many as can run at once.
    processes = max(os.cpu_count() or 1, 2)
    return [program, *FLAGS, f"--renderer-process-limit={processes}", f"--user-data-dir={home}/profile", *more]
