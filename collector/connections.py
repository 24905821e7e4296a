"""Connections as httpx uses them, made and timed by us: to the address that was judged, none outliving its request."""

import contextlib
import math
import select
import socket
import ssl
from collections.abc import Iterable, Iterator
from typing import Any

import httpcore
import httpx

from collector.addresses import Resolve, connect_checked
from collector.patience import left_s

CONNECTIONS = 10  # httpx 0.28 slows down ten-fold beyond this in one client
KEPT = 2  # open for the next request; a process has many clients, and each visit mostly one host


class Transport(httpx.HTTPTransport):
    """httpx's own transport over connections that we make and time ourselves."""

    def __init__(self, allow: tuple[str, ...], tls: ssl.SSLContext, resolve: Resolve | None) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls,
            max_connections=CONNECTIONS,
            max_keepalive_connections=KEPT,
            keepalive_expiry=5.0,
            network_backend=_Network(allow, resolve),
        )


class _Network(httpcore.NetworkBackend):
    def __init__(self, allow: tuple[str, ...], resolve: Resolve | None) -> None:
        self._allow, self._resolve = allow, resolve

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,  # noqa: ARG002  # the names are httpcore's
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        sock = connect_checked(
            host, port, allow=self._allow, timeout=_now_left(timeout), resolve=self._resolve
        )
        return _Stream(sock)


class _Stream(httpcore.NetworkStream):
    """A connection on which no single read or write outlives the request's deadline."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        with _mapped(httpcore.ReadTimeout, httpcore.ReadError):
            self._sock.settimeout(_now_left(timeout))
            return self._sock.recv(max_bytes)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        with _mapped(httpcore.WriteTimeout, httpcore.WriteError):
            self._sock.settimeout(_now_left(timeout))
            self._sock.sendall(buffer)

    def close(self) -> None:
        self._sock.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        try:
            with _mapped(httpcore.ConnectTimeout, httpcore.ConnectError):
                self._sock.settimeout(_now_left(timeout))
                return _Stream(ssl_context.wrap_socket(self._sock, server_hostname=server_hostname))
        except (httpcore.NetworkError, httpcore.TimeoutException):
            self.close()
            raise

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":  # a connection kept for later that the server has closed
            return bool(select.select([self._sock], [], [], 0)[0])
        return self._sock if info == "socket" else None


@contextlib.contextmanager
def _mapped(late: type[httpcore.TimeoutException], broken: type[httpcore.NetworkError]) -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise late(str(error)) from error
    except OSError as error:
        raise broken(str(error)) from error


def _now_left(timeout: float | None) -> float:
    left = left_s(math.inf if timeout is None else timeout)
    if left <= 0:
        raise httpcore.ReadTimeout("out of time")
    return left
