"""The desk as people reach it: a real server on loopback, in a thread of the test."""

import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import httpx
import psycopg
import uvicorn
from fastapi import FastAPI
from sqlalchemy import Engine
from sqlmodel import create_engine

from config.postgres import Cluster

TLS = ssl.create_default_context()  # made once: reading the authorities takes longer than a request


@contextmanager
def serve(app: FastAPI) -> Iterator[str]:
    """Serve the application on a free port; yields its address, `http://127.0.0.1:<port>`."""
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=0,
        ws="none",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=2,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="desk-under-test")
    thread.start()
    try:
        while not server.started:
            if not thread.is_alive():
                raise RuntimeError("the server under test did not start")
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        app.state.room.hub.close()
        server.should_exit = True
        thread.join(timeout=20)


@contextmanager
def fresh_database(cluster: Cluster) -> Iterator[Engine]:
    """An empty, migrated database for several tests that only look."""
    name = f"looked_at_{uuid4().hex}"
    admin = cluster.url_of("postgres").replace("+psycopg", "")
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE goldenhour STRATEGY file_copy")
        engine = create_engine(cluster.url_of(name), execution_options={"log_key": b"only for tests"})
        yield engine
        engine.dispose()
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


class Browser(httpx.Client):
    """A client that keeps cookies, as a browser does, and knows its session's token."""

    def __init__(self, base: str) -> None:
        super().__init__(base_url=base, follow_redirects=False, timeout=20, verify=TLS)

    def sign_in(self, username: str, password: str) -> httpx.Response:
        """Fill in the form and send it."""
        door = field(self.get("/sign-in").text, "door")
        form = {"username": username, "password": password, "door": door}
        return self.post("/sign-in", data=form)

    @property
    def token(self) -> str:
        """This session's own token, which every change must carry."""
        told: str = self.get("/api/v1/me").json()["csrf_token"]
        return told

    def fill_in(self, path: str, **form: str) -> httpx.Response:
        """Send a form with the token, as our own pages do."""
        return self.post(
            path, data={"csrf": self.token, **form}, headers={"Origin": str(self.base_url).rstrip("/")}
        )


def field(page: str, name: str) -> str:
    """The value of a hidden field in a page."""
    return page.split(f'name="{name}" value="', 1)[1].split('"', 1)[0]
