"""A hub on this machine, with just the calls that reading a data set takes; run in a thread by tests."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

COMMIT = "1234567890abcdef1234567890abcdef12345678"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    repo: str
    files: dict[str, bytes]
    commit: str

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for key, value in {"Content-Length": str(len(body)), "X-Repo-Commit": self.commit, **headers}.items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def entry(self, path: str) -> dict[str, object]:
        return {"type": "file", "path": path, "size": len(self.files[path]), "oid": f"{hash(path):x}"}

    def do_GET(self) -> None:
        path = unquote(self.path.partition("?")[0])
        if path.startswith(f"/datasets/{self.repo}/resolve/"):
            name = path.removeprefix(f"/datasets/{self.repo}/resolve/").partition("/")[2]
            if name not in self.files:
                return self.answer(404, X_Error_Code="EntryNotFound")
            body, status, headers = self.files[name], 200, {"ETag": f'"{len(self.files[name])}-{name}"'}
            if wanted := self.headers.get("Range"):
                start, _, end = wanted.removeprefix("bytes=").partition("-")
                headers["Content-Range"] = f"bytes {start}-{end or len(body) - 1}/{len(body)}"
                body, status = body[int(start) : int(end) + 1 if end else None], 206
            return self.answer(status, body, **headers)
        if path.startswith(f"/api/datasets/{self.repo}/tree/"):
            folder = path.removeprefix(f"/api/datasets/{self.repo}/tree/").partition("/")[2]
            start = f"{folder}/" if folder else ""
            below = [x for x in self.files if x.startswith(start)]
            folders = {start + x.removeprefix(start).partition("/")[0] for x in below} - set(below)
            listed = [
                self.entry(x) for x in below if "recursive=True" in self.path or "/" not in x[len(start) :]
            ]
            listed += [{"type": "directory", "path": x, "oid": "0"} for x in sorted(folders)]
            return self.answer(200, json.dumps(listed).encode(), Content_Type="application/json")
        if path.startswith(f"/api/datasets/{self.repo}"):
            info = {"id": self.repo, "sha": self.commit, "siblings": [{"rfilename": x} for x in self.files]}
            return self.answer(200, json.dumps(info).encode(), Content_Type="application/json")
        return self.answer(404, X_Error_Code="RepoNotFound")

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        found = [self.entry(x) for x in sent["paths"] if x in self.files]
        self.answer(200, json.dumps(found).encode(), Content_Type="application/json")

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(repo: str, files: dict[str, bytes], commit: str = COMMIT) -> Iterator[str]:
    """The address of a hub that has one data set."""
    handler = type("Hub", (Handler,), {"repo": repo, "files": files, "commit": commit})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
