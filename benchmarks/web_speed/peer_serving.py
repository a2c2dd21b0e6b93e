"""What BrowserGym's side of a benchmark needs: a server of a folder, and the Chromium that our side uses."""

from __future__ import annotations

import functools
import http.server
import threading

import playwright.sync_api


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves the folder; a page is never kept, as ours are not."""

    protocol_version = "HTTP/1.1"
    extensions_map = {
        **http.server.SimpleHTTPRequestHandler.extensions_map,
        ".html": "text/html; charset=utf-8",
    }  # as ours are served; some pages do not say it themselves

    def log_message(self, *_):
        """Says nothing: the output carries answers."""

    def end_headers(self):
        kept = "public, max-age=31536000, immutable" if self.path.startswith("/static/") else "no-store"
        self.send_header("Cache-Control", kept)
        super().end_headers()


def serve(folder):
    """Serves a folder for as long as the process lives; the port."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


def use_program(program):
    """Has every browser that Playwright launches be this program."""
    launch = playwright.sync_api.BrowserType.launch

    def with_the_program(self, **options):
        return launch(self, **{"executable_path": program, **options})

    playwright.sync_api.BrowserType.launch = with_the_program
