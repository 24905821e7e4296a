"""Mail: a mailbox of ours that tips and partners write to, read by IMAP (RFC 3501) over TLS. Off until set up.

Messages are only read, never marked or moved. UIDs grow while UIDVALIDITY stays; when it changes the mailbox was
rebuilt and everything is read again, which their Message-IDs keep from being stored twice.
"""

import imaplib
import re
import socket
import ssl
import threading
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

from collector.addresses import connect_checked, is_allowed
from collector.batch import Batch, CursorPosition, Item, Malformed
from collector.errors import FetchError, Forbidden, NoKey, TooSlow, Unreachable, Unreadable
from collector.http import Http
from collector.mail import Automatic, quarantine, read_mail
from collector.settings import HttpSettings
from collector.sources.base import Follows, How, Kind, Needs, Source

PORT = 993
AT_ONCE = 50
PATIENCE_S = 45.0  # for one visit, well within a lease
LARGEST = 15_000_000

KIND = Kind(
    how=How.ASKED,
    needs=Needs.KEY,
    basis="messages that people sent to us, to be read by us",
    retention=None,
    deletions=Follows.NEVER,
    edits=Follows.NEVER,
    on=False,
    floor=timedelta(minutes=1),
    sent_to_us=True,
    schemes=("imap", "imaps"),
)


class Guarded(imaplib.IMAP4):
    """IMAP over a connection that was checked like any other. Plain only where the address is listed as allowed."""

    def __init__(self, host: str, port: int, settings: HttpSettings, *, tls: ssl.SSLContext | None) -> None:
        self._settings, self._tls = settings, tls
        super().__init__(host, port, timeout=settings.read_s)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        made = connect_checked(
            self.host,
            self.port,
            allow=self._settings.allow,
            timeout=timeout or self._settings.connect_s,
            ports=(PORT,),
        )
        made.settimeout(timeout)
        return self._tls.wrap_socket(made, server_hostname=self.host) if self._tls else made


class Mail(Source):
    """One mailbox. `url` is imaps://HOST/FOLDER; INBOX when no folder is named."""

    def fetch(self, http: Http, cursor: CursorPosition, *, now: datetime) -> Batch:  # noqa: ARG002  # nothing depends on the time
        """Messages after the last one read, at most 50 at once. Raises FetchError."""
        keys = self.place.keys
        if not {"mail", "mail_user"} <= set(keys):
            raise NoKey("The mailbox", "MAIL_USER", "MAIL_PASSWORD")
        where = self.place.url.partition("?")[0]
        try:
            box = self._open(http.settings)
        except (OSError, imaplib.IMAP4.error) as error:
            raise _plainly(where, error) from error
        patience = threading.Timer(PATIENCE_S, box.shutdown)  # a server that drips must not hold us
        patience.start()
        try:
            box.login(keys["mail_user"], keys["mail"])
            return self._read(box, cursor)
        except (OSError, imaplib.IMAP4.error) as error:
            raise _plainly(where, error) from error
        finally:
            patience.cancel()
            _close(box)

    def _open(self, settings: HttpSettings) -> imaplib.IMAP4:
        parts = urlsplit(self.place.url)
        host, port = parts.hostname or "", parts.port or PORT
        plain = parts.scheme == "imap"
        if plain and not is_allowed(host, port, settings.allow):
            raise Forbidden(f"{host}:{port}: mail is read over TLS only; write imaps://")
        return Guarded(host, port, settings, tls=None if plain else ssl.create_default_context())

    def _read(self, box: imaplib.IMAP4, cursor: CursorPosition) -> Batch:
        folder = unquote(urlsplit(self.place.url).path.strip("/")) or "INBOX"
        quoted = '"' + folder.replace("\\", "\\\\").replace('"', '\\"') + '"'
        if box.select(quoted, readonly=True)[0] != "OK":
            raise Unreadable(f"there is no folder {folder}", remedy="Check the folder at the end of `url`")
        validity = (box.response("UIDVALIDITY")[1] or [b""])[0] or b"0"
        known, _, last = (cursor.position or "").partition(" ")
        after = int(last) if known == validity.decode() and last.isdecimal() else 0
        uids = sorted(uid for uid in self._uids(box, after) if uid > after)
        items: list[Item] = []
        malformed: list[Malformed] = []
        dropped = sum(
            self._leave_out(box, uid, validity.decode(), items, malformed) for uid in uids[:AT_ONCE]
        )
        reached = uids[:AT_ONCE][-1] if uids else after
        position = CursorPosition(position=f"{validity.decode()} {reached}")
        more = len(uids) > AT_ONCE
        return Batch(items=items, malformed=malformed, dropped=dropped, cursor=position, more=more)

    def _uids(self, box: imaplib.IMAP4, after: int) -> list[int]:
        """UIDs above one; a server also names the last message when there is none (RFC 3501, 6.4.8)."""
        found = box.uid("SEARCH", "UID", f"{after + 1}:*")[1]
        return [int(uid) for uid in (found[0] or b"").split()]

    def _leave_out(
        self, box: imaplib.IMAP4, uid: int, validity: str, items: list[Item], malformed: list[Malformed]
    ) -> bool:
        """Read one message, or say that a machine wrote it; a bad or a too large one is named and stops nothing."""
        size = re.search(
            rb"RFC822\.SIZE (\d+)", b" ".join(_flat(box.uid("FETCH", str(uid), "(RFC822.SIZE)")[1]))
        )
        if size and int(size[1]) > LARGEST:
            malformed.append(Malformed(f"message {uid}", f"larger than {LARGEST // 1_000_000} million bytes"))
            return False
        parts = box.uid("FETCH", str(uid), f"(BODY.PEEK[]<0.{LARGEST}>)")[1]  # whatever size was said
        raw = next((part[1] for part in parts if isinstance(part, tuple) and len(part) > 1), None)
        if raw is None:
            return False  # it was deleted meanwhile
        try:
            item, attached = read_mail(raw, f"{self.place.name} {validity} {uid}")
        except Automatic:
            return True
        except ValueError as error:
            malformed.append(Malformed(f"message {uid}", str(error)[:200]))
            return False
        if attached and self.place.quarantine:
            quarantine(attached, Path(self.place.quarantine))
        items.append(item)
        return False


def _flat(parts: list[object]) -> list[bytes]:
    return [
        each
        for part in parts
        for each in (part if isinstance(part, tuple) else (part,))
        if isinstance(each, bytes)
    ]


def _plainly(where: str, error: Exception) -> FetchError:
    """IMAP's own errors as ours."""
    if isinstance(error, TimeoutError):
        return TooSlow(f"{where}: no complete answer in time")
    if isinstance(error, OSError):
        return Unreachable(f"{where}: {error}")
    refused = "AUTH" in str(error).upper() or "LOGIN" in str(error).upper()
    remedy = "Check GOLDENHOUR_COLLECT__MAIL_USER and __MAIL_PASSWORD" if refused else None
    said = "refuses our login" if refused else f"the mail server breaks off ({type(error).__name__})"
    return Unreadable(f"{where}: {said}", remedy=remedy)


def _close(box: imaplib.IMAP4) -> None:
    try:
        box.logout()
    except (OSError, imaplib.IMAP4.error):
        box.shutdown()
