"""`xlbench view`: the report of stored results in a browser, served on this machine alone."""

from __future__ import annotations

import contextlib
import tempfile
import threading
import webbrowser
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

from xlbench.cli import reporting
from xlbench.errors import XlbenchError
from xlbench.output import say

if TYPE_CHECKING:
    from collections.abc import Sequence

HOST = "127.0.0.1"


def view(
    results: Path, study: str | None, plugins: Sequence[Path] = (), *, port: int = 0, browser: bool = True
) -> None:
    """Serve the report until Ctrl-C. Raises ResultsError, and XlbenchError for a port that is taken."""
    read = reporting.read(results, study, plugins)
    reporting.warn(read, study)
    with tempfile.TemporaryDirectory(prefix="xlbench-") as folder:
        path = Path(folder) / reporting.REPORT
        reporting.page(read, path, told=False)
        content = path.read_bytes()
    try:
        server = ThreadingHTTPServer((HOST, port), _serving(content))
    except OSError as error:
        raise XlbenchError(
            f"port {port} of {HOST} cannot be used ({error.strerror}); leave out --port, or name another"
        ) from error
    address = f"http://{HOST}:{server.server_address[1]}/"
    with server:
        say(f"report       {address} (this machine alone can open it; Ctrl-C ends it)", flush=True)
        if browser:
            # Some browsers hold on to whoever opens them.
            threading.Thread(target=_opened, args=(address,), daemon=True).start()
        with contextlib.suppress(KeyboardInterrupt):
            server.serve_forever()
    say("stopped")


def _opened(address: str) -> None:
    with contextlib.suppress(webbrowser.Error):
        webbrowser.open(address)


def _serving(content: bytes) -> type[BaseHTTPRequestHandler]:
    """What answers with the one page, and nothing else of this machine."""

    class Handler(BaseHTTPRequestHandler):
        server_version = "xlbench"
        sys_version = ""

        def do_GET(self) -> None:
            self._answer(with_content=True)

        def do_HEAD(self) -> None:
            self._answer(with_content=False)

        def _answer(self, *, with_content: bool) -> None:
            # A page of another site must not read it by a name that it has pointed here.
            known = self.headers.get("Host", "").rpartition(":")[0] in (HOST, "localhost")
            if not known or self.path.partition("?")[0] not in ("/", "/report.html"):
                self.send_error(HTTPStatus.FORBIDDEN if not known else HTTPStatus.NOT_FOUND)
                return
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Cache-Control", "no-store")
            self.send_header("X-Content-Type-Options", "nosniff")
            self.end_headers()
            if with_content:
                with contextlib.suppress(ConnectionError):
                    self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: the terminal is the user's."""

    return Handler
