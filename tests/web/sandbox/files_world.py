"""A world that serves files as they are, scripts and all: for pages that sites of ours would never hold."""

from __future__ import annotations

from remalis_envs.web.pages.elements import Page, e
from remalis_envs.web.sandbox.server import Raw
from remalis_envs.web.sites.protocol import Request, Response


class FilesWorld:
    """Site ``main``, whose files are given by path; everything else is a page that names what was asked for.

    Args:
        files: path -> content; a content that begins with ``<`` is a page, anything else a script.
    """

    hosts = ("main", "other")
    start = "main/"
    now = 1_777_593_600.0

    def __init__(self, **files: str) -> None:
        self.files = {"/" + name.removeprefix("start"): content for name, content in files.items()}
        self.log: list[str] = []

    def file(self, request: Request) -> Raw | None:
        content = self.files.get(request.path)
        if content is None or request.host != "main":
            return None
        kind = "text/html; charset=utf-8" if content.startswith("<") else "text/javascript"
        return Raw(content.encode(), kind, inline=True)

    def handle(self, request: Request) -> Response:
        self.log.append(f"{request.tab} {request.method} {request.host}{request.path} {sorted(request.form)}")
        if request.path == "/away":
            return Response(redirect="other/there")
        if request.path.startswith("/piece"):
            return Response(fragment=e("p", f"piece {len(self.log)}"))
        body = e("body", e("h1", request.path), e("a", "Home", href="//main/"))
        return Response(page=Page(request.path, body), status=200)

    def save(self) -> bytes:
        return "\n".join(self.log).encode()

    def load(self, saved: bytes) -> None:
        self.log = saved.decode().splitlines()
