"""An HTTP server of ours that may be hung up on: callers are killed in the middle of an answer, and that is no news."""

import sys
from http.server import ThreadingHTTPServer
from socket import socket
from typing import Any


class Patient(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: socket | tuple[bytes, socket], client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)
