"""A model hub on loopback that can cut connections: what huggingface_hub asks of the real one, and no more.

It answers the model's description (`/api/models/...`), and files with their checksums, sizes and ranges (`/resolve/`).
"""

from __future__ import annotations

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"
_LARGE = 1000


class Hub:
    """One repository, `org/model`.

    Args:
        files: name -> content; large ones are served as large files are, with their SHA-256.
        cuts: for each of the next answers with a large file's content: after how many bytes the connection is cut.
        token: what must be sent to be served; None for a public repository.
    """

    def __init__(self, files, cuts=(), token=None):
        self.files = dict(files)
        self.cuts = list(cuts)
        self.token = token
        self.asked = []
        self.lies = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def description(self):
        return {
            "id": "org/model",
            "modelId": "org/model",
            "sha": COMMIT,
            "private": False,
            "tags": [],
            "downloads": 0,
            "siblings": [_sibling(name, content) for name, content in self.files.items()],
        }


def _sibling(name, content):
    facts = {"rfilename": name, "size": len(content), "blobId": _git_id(content)}
    if len(content) > _LARGE:
        facts["lfs"] = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 134}
    return facts


def _git_id(content):
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _handler(hub):
    return type("Handler", (_Handler,), {"hub": hub})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def do_HEAD(self):
        self._answer(with_body=False)

    def do_GET(self):
        self._answer(with_body=True)

    def _answer(self, *, with_body):
        self.hub.asked.append((self.command, self.path, self.headers.get("Range"), self.headers.get("Authorization")))
        if self.hub.token is not None and self.headers.get("Authorization") != f"Bearer {self.hub.token}":
            self._send(401, b"", {"X-Error-Code": "GatedRepo", "X-Error-Message": "restricted"})
        elif self.path.startswith("/api/models/org/model"):
            self._send(200, json.dumps(self.hub.description()).encode(), {"Content-Type": "application/json"})
        elif self.path.startswith("/org/model/resolve/"):
            self._file(self.path.split("/", 5)[5], with_body=with_body)
        else:
            self._send(404, b"", {"X-Error-Code": "RepoNotFound"})

    def _file(self, name, *, with_body):
        true = self.hub.files[name]
        content = self.hub.lies.get(name, true)
        large = len(true) > _LARGE
        etag = hashlib.sha256(true).hexdigest() if large else _git_id(true)
        facts = {"X-Repo-Commit": COMMIT, "ETag": f'"{etag}"', "Accept-Ranges": "bytes"}
        wanted = self.headers.get("Range")
        first = int(wanted.removeprefix("bytes=").split("-")[0]) if wanted else 0
        if wanted:
            facts["Content-Range"] = f"bytes {first}-{len(content) - 1}/{len(content)}"
        cut = self.hub.cuts.pop(0) if with_body and large and self.hub.cuts else None
        self._send(206 if wanted else 200, content[first:], facts, with_body=with_body, cut=cut)

    def _send(self, status, body, headers, *, with_body=True, cut=None):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if with_body and self.command != "HEAD":
            self.wfile.write(body[:cut])
        if cut is not None:
            self.close_connection = True

    def log_message(self, *_):
        pass
