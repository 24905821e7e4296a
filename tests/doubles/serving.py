"""Servers of ours that stand in for the world: each answers in a thread while a test needs it."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from socket import socket
from socketserver import BaseServer
from typing import Any


class Patient(ThreadingHTTPServer):
    """May be hung up on: callers are killed in the middle of an answer, and that is no news."""

    daemon_threads = True

    def handle_error(self, request: socket | tuple[bytes, socket], client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def serving(server: BaseServer) -> Iterator[None]:
    """Answers until the block ends."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
