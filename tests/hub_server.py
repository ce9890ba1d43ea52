"""A hub on this machine, run in a thread by tests, that huggingface_hub, datasets and transformers can ask.

Large files lie behind a redirect to another host name, as behind a content delivery network. Faults are
switched on by a part of the path.
"""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import parse_qs, unquote, urlsplit

LARGE = (".parquet", ".safetensors", ".bin")
"""Endings of files that are kept apart from git."""
PAGE = 50
"""Entries of a tree in one answer."""
SECRET = "hf_test"
"""The token that opens private and gated repositories."""


def sha1(content: bytes) -> str:
    """As git names a file."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@dataclass
class Repository:
    """Revisions of one repository, each the files by path."""

    id: str
    kind: Literal["model", "dataset"]
    revisions: dict[str, dict[str, bytes]]
    access: Literal["public", "private", "gated"] = "public"

    def commit(self, revision: str) -> str | None:
        """The commit of a branch, tag or commit."""
        commits = {name: self._digest(name) for name in self.revisions}
        return revision if revision in commits.values() else commits.get(revision)

    def files(self, commit: str) -> dict[str, bytes]:
        return next(files for name, files in self.revisions.items() if self._digest(name) == commit)

    def _digest(self, name: str) -> str:
        listed = json.dumps({path: sha256(x) for path, x in self.revisions[name].items()}, sort_keys=True)
        return sha1(f"{self.id} {listed}".encode())


@dataclass
class Fault:
    """What goes wrong with the next `times` requests whose path has `part` in it."""

    part: str
    kind: Literal["status", "cut", "spoil", "short"]
    times: int = 1
    status: int = 503
    headers: dict[str, str] = field(default_factory=dict)
    method: str = ""
    """GET or HEAD; empty for any."""


class Hub:
    """The repositories, the faults, and what was asked for; serves while it is entered."""

    def __init__(self, *repositories: Repository) -> None:
        self.repositories = {(x.kind, x.id): x for x in repositories}
        self.faults: list[Fault] = []
        self.asked: list[str] = []
        self.lies: dict[str, dict[str, str]] = {}
        """By repository: what is said of it in place of the truth (`sha`, `file`, `commit`, `etag`)."""
        self.lock = threading.Lock()
        self._server: ThreadingHTTPServer | None = None

    def __enter__(self) -> Hub:
        handler = type("Handler", (_Handler,), {"hub": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        assert self._server is not None
        return self._server.server_port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def store_url(self) -> str:
        """Where large files are: another host, to which no token may go."""
        return f"http://localhost:{self.port}/store"

    def fail(self, part: str, status: int, times: int = 1, method: str = "", **headers: str) -> None:
        sent = {key.replace("_", "-"): value for key, value in headers.items()}
        self.faults.append(Fault(part, "status", times, status, sent, method))

    def cut(self, path: str, times: int = 1) -> None:
        self.faults.append(Fault(self.place(path), "cut", times, method="GET"))

    def spoil(self, path: str, times: int = 1) -> None:
        self.faults.append(Fault(self.place(path), "spoil", times, method="GET"))

    def shorten(self, path: str, times: int = 1) -> None:
        self.faults.append(Fault(self.place(path), "short", times, method="GET"))

    def place(self, path: str) -> str:
        """Where the bytes of `OWNER/NAME/PATH` are served: for large ones, by digest."""
        for repository in self.repositories.values():
            for files in repository.revisions.values():
                content = files.get(path.removeprefix(f"{repository.id}/"))
                if path.startswith(f"{repository.id}/") and content is not None:
                    return f"/store/{sha256(content)}" if path.endswith(LARGE) else path
        raise KeyError(path)

    def fault(self, method: str, path: str) -> Fault | None:
        """The fault that is due, counted down."""
        with self.lock:
            self.asked.append(f"{method} {path}")
            for one in self.faults:
                if one.times > 0 and one.part in path and one.method in ("", method):
                    one.times -= 1
                    return one
        return None

    def stored(self, digest: str) -> bytes | None:
        contents = (
            content
            for repository in self.repositories.values()
            for files in repository.revisions.values()
            for content in files.values()
        )
        return next((x for x in contents if sha256(x) == digest), None)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub
    fault: Fault | None

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        path, query = unquote(parts.path), parse_qs(parts.query)
        self.fault = self.hub.fault(self.command, path)
        if self.fault is not None and self.fault.kind == "status":
            self.answer(self.fault.status, **self.fault.headers)
        elif path.startswith("/store/"):
            self.store(path.removeprefix("/store/"))
        elif path.startswith("/api/"):
            self.api(path.removeprefix("/api/"), query)
        elif path == "/":
            self.answer(200)
        else:
            self.resolve(path.removeprefix("/"))

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        pass

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        """Send it, with the fault that is on."""
        kind = self.fault.kind if self.fault else None
        if kind == "short":
            body = body[:-7]
        self.send_response(status)
        for key, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()
        if kind == "spoil":
            body = body[:-1] + bytes([body[-1] ^ 1])
        if kind == "cut":
            body, self.close_connection = body[: len(body) // 2], True
        if self.command != "HEAD":
            self.wfile.write(body)

    def json(self, value: Any, **headers: str) -> None:
        self.answer(200, json.dumps(value).encode(), Content_Type="application/json", **headers)

    def refuse(self, status: int, code: str, message: str) -> None:
        self.answer(status, X_Error_Code=code, X_Error_Message=message)

    def admitted(self, repository: Repository | None) -> bool:
        """Whether who asks may see it; answered where not."""
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in ("", SECRET):
            self.answer(401, X_Error_Message="Invalid credentials in Authorization header")
        elif repository is None or (repository.access == "private" and token != SECRET):
            self.refuse(401 if not token else 404, "RepoNotFound", "Repository not found")
        else:
            return True
        return False

    def api(self, path: str, query: dict[str, list[str]]) -> None:
        kind: Literal["model", "dataset"] = "dataset" if path.startswith("datasets/") else "model"
        _, owner, name, *rest = path.split("/")
        repository = self.hub.repositories.get((kind, f"{owner}/{name}"))
        if not self.admitted(repository):
            return
        assert repository is not None
        call, below = (rest[0], "/".join(rest[1:])) if rest else ("revision", "main")
        revision, folder = _revision(below)
        commit = repository.commit(revision)
        if commit is None:
            self.refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
            return
        files = repository.files(commit)
        if call == "revision":
            lies = self.hub.lies.get(repository.id, {})
            siblings = [{"rfilename": x, **_facts(x, y)} for x, y in files.items()]
            if "file" in lies:
                siblings.append({"rfilename": lies["file"], **_facts("", b"")})
            self.json({"id": repository.id, "sha": lies.get("sha", commit), "siblings": siblings, "tags": []})
            return
        if call == "paths-info":
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            sent = json.loads(body) if body.startswith("{") else parse_qs(body)
            self.json([x for x in _tree(files, "", True) if x["path"] in sent["paths"]])
            return
        listed = _tree(files, folder, query.get("recursive", ["false"])[0].lower() in ("true", "1"))
        start = int(query.get("cursor", ["0"])[0])
        more = {}
        if start + PAGE < len(listed):
            ahead = self.path.partition("&cursor=")[0]
            sign = "&" if "?" in ahead else "?"
            more["Link"] = f'<{self.hub.url}{ahead}{sign}cursor={start + PAGE}>; rel="next"'
        self.json(listed[start : start + PAGE], **more)

    def resolve(self, path: str) -> None:
        kind: Literal["model", "dataset"] = "dataset" if path.startswith("datasets/") else "model"
        owner, name, _, rest = path.removeprefix("datasets/").split("/", 3)
        repository = self.hub.repositories.get((kind, f"{owner}/{name}"))
        if not self.admitted(repository):
            return
        assert repository is not None
        token = self.headers.get("Authorization")
        revision, place = _revision(rest)
        commit = repository.commit(revision)
        content = None if commit is None else repository.files(commit).get(place)
        if repository.access == "gated":
            self.refuse(403 if token else 401, "GatedRepo", "You are not in the authorized list")
        elif commit is None:
            self.refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        elif content is None:
            self.answer(404, X_Error_Code="EntryNotFound", X_Repo_Commit=commit)
        elif not place.endswith(LARGE):
            lies = self.hub.lies.get(repository.id, {})
            etag = f'"{lies.get("etag", sha1(content))}"'
            self.content(content, etag, X_Repo_Commit=lies.get("commit", commit))
        else:
            digest = sha256(content)
            self.answer(
                302,
                Location=f"{self.hub.store_url}/{digest}",
                ETag=f'"{digest[:32]}"',
                X_Repo_Commit=commit,
                X_Linked_Size=str(len(content)),
                X_Linked_Etag=f'"{digest}"',
            )

    def store(self, digest: str) -> None:
        content = self.hub.stored(digest)
        if content is None or self.headers.get("Authorization"):
            self.answer(403)
        else:
            self.content(content, f'"{digest[:32]}"')

    def content(self, content: bytes, etag: str, **headers: str) -> None:
        """A file, or the range of it that is asked for."""
        wanted = self.headers.get("Range")
        if wanted is None:
            self.answer(200, content, ETag=etag, Accept_Ranges="bytes", **headers)
            return
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        start = int(first) if first else len(content) - int(last)
        end = min(int(last), len(content) - 1) if first and last else len(content) - 1
        if start > end:
            self.answer(416, Content_Range=f"bytes */{len(content)}")
            return
        span = f"bytes {start}-{end}/{len(content)}"
        self.answer(206, content[start : end + 1], ETag=etag, Content_Range=span, **headers)


def _revision(path: str) -> tuple[str, str]:
    """The revision that a path begins with, and the rest: `refs/convert/parquet` is one revision."""
    parts = path.split("/")
    count = 3 if parts[0] == "refs" else 1
    return "/".join(parts[:count]), "/".join(parts[count:])


def _facts(path: str, content: bytes) -> dict[str, Any]:
    facts: dict[str, Any] = {"size": len(content), "blobId": sha1(content)}
    if path.endswith(LARGE):
        facts["lfs"] = {"sha256": sha256(content), "size": len(content), "pointerSize": 134}
    return facts


def _tree(files: dict[str, bytes], folder: str, recursive: bool) -> list[dict[str, Any]]:
    start = f"{folder}/" if folder else ""
    listed: dict[str, dict[str, Any]] = {}
    for path, content in files.items():
        if not path.startswith(start):
            continue
        inner = path.removeprefix(start).split("/")
        for depth in range(1, len(inner)):
            place = start + "/".join(inner[:depth])
            if recursive or depth == 1:
                listed[place] = {"type": "directory", "path": place, "oid": sha1(place.encode()), "size": 0}
        if recursive or len(inner) == 1:
            entry = {"type": "file", "path": path, "size": len(content), "oid": sha1(content)}
            if path.endswith(LARGE):
                entry["lfs"] = {"oid": sha256(content), "size": len(content), "pointerSize": 134}
            listed[path] = entry
    return list(listed.values())
