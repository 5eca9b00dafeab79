"""One caller on one kept connection: HTTP/1.1 by hand, so that the client costs little and the same for everybody."""

import json
import socket
import time
from urllib.parse import urlsplit


class Caller:
    """Calls one address again and again. Times are in seconds, from the first byte sent."""

    def __init__(self, url, headers, body):
        parts = urlsplit(url)
        self.host, self.port = parts.hostname, parts.port
        body = json.dumps(body).encode()
        head = {
            "host": parts.netloc,
            "content-type": "application/json",
            "content-length": str(len(body)),
            **headers,
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        self.request = f"POST {parts.path} HTTP/1.1\r\n{lines}\r\n".encode() + body
        self.socket = None

    def connect(self):
        self.socket = socket.create_connection((self.host, self.port), timeout=20)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def call(self, mark=None):
        """(time to `mark` in the body, time to the end). Without a mark the first is that of the body's first byte."""
        if self.socket is None:
            self.connect()
        began = time.perf_counter()
        self.socket.sendall(self.request)
        head, body = self._head()
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"{self.host}:{self.port} answered {(head + body)[:400]!r}")
        ends = _end(head)
        first = None
        while True:
            if first is None and body and (mark is None or mark in body):
                first = time.perf_counter() - began
            if ends(body):
                return first, time.perf_counter() - began
            body += self._more()

    def close(self):
        if self.socket:
            self.socket.close()
            self.socket = None

    def _head(self):
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._more()
        head, _, body = data.partition(b"\r\n\r\n")
        return head, body

    def _more(self):
        data = self.socket.recv(65536)
        if not data:
            raise RuntimeError(f"{self.host}:{self.port} closed the connection in the middle of an answer")
        return data


def _end(head):
    """Whether a body is whole: by its length, or by the last chunk."""
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
            return lambda body: len(body) >= length
    return lambda body: body.endswith(b"0\r\n\r\n")
