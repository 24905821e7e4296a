"""What Slack's answers mean, including those that are none."""

from datetime import datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from uuid import UUID

import pytest

from responders.blocks import Message
from responders.slack import Refused, Slack, SlackError, Unknown, UnreadableError, Wait, read_retry_after
from tests.doubles.slack import TOKEN, slack_double

MESSAGE = Message(UUID(int=1), "text", [{"type": "section", "text": {"type": "plain_text", "text": "x"}}])


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("30", 30.0),
        ("0.5", 0.5),
        (" 7 ", 7.0),
        ("99999999", 600.0),
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1e9", None),
        ("٣", None),
        ("nan", None),
        ("9" * 5000, None),
        ("Wed, 99 Foo 2026 25:61:61 GMT", None),
    ],
)
def test_retry_after_in_any_form_survives(told: str | None, seconds: float | None, noon: datetime) -> None:
    wait = read_retry_after(told, noon)
    assert (wait.total_seconds() if wait is not None else None) == seconds


@pytest.mark.parametrize(("later", "waited"), [(60, 60), (-60, 0), (86_400, 600)])
def test_retry_after_may_be_a_date(later: int, waited: int, noon: datetime) -> None:
    told = format_datetime(noon + timedelta(seconds=later), usegmt=True)
    wait = read_retry_after(told, noon)
    assert wait is not None
    assert wait.total_seconds() == waited


ANSWERS = {
    "html": (b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n<html>proxy</html>", Unknown),
    "list": (b"HTTP/1.0 200 OK\r\n\r\n[1, 2]", Unknown),
    "null": (b"HTTP/1.0 200 OK\r\n\r\nnull", Unknown),
    "empty": (b"HTTP/1.0 200 OK\r\n\r\n", Unknown),
    "ok without ts": (b'HTTP/1.0 200 OK\r\n\r\n{"ok": true}', Unknown),
    "not http": (b"SSH-2.0-OpenSSH\r\n", Unknown),
    "cut short": (b'HTTP/1.0 200 OK\r\nContent-Length: 90\r\n\r\n{"ok"', Unknown),
    "bad charset": (b"HTTP/1.0 200 OK\r\nContent-Type: text/html; charset=klingon\r\n\r\nx", Unknown),
    "502": (b"HTTP/1.0 502 Bad Gateway\r\n\r\n<html></html>", Unknown),
    "404": (b"HTTP/1.0 404 Not Found\r\n\r\nnothing here", Refused),
    "429 html": (b"HTTP/1.0 429 Too Many\r\nRetry-After: x\r\n\r\n<html></html>", Wait),
    "error of another type": (b'HTTP/1.0 200 OK\r\n\r\n{"ok": false, "error": 5}', Unknown),
    "error code": (b'HTTP/1.0 200 OK\r\n\r\n{"ok": false, "error": "is_archived"}', Refused),
    "rate in a body": (b'HTTP/1.0 200 OK\r\n\r\n{"ok": false, "error": "ratelimited"}', Wait),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_odd_answer_is_one_of_four_outcomes(name: str, noon: datetime) -> None:
    answer, expected = ANSWERS[name]

    class Says(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.wfile.write(answer)

        def log_message(self, *_args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Says)
    Thread(target=server.handle_request, daemon=True).start()
    slack = Slack(TOKEN, f"http://127.0.0.1:{server.server_address[1]}/api/", 2.0)
    outcome = slack.post(MESSAGE, "C0123456789", now=noon)
    server.server_close()
    assert isinstance(outcome, expected), outcome


def test_a_closed_door_is_certainly_not_sent(noon: datetime) -> None:
    assert isinstance(Slack(TOKEN, "http://127.0.0.1:9/", 1.0).post(MESSAGE, "C0", now=noon), Wait)


def test_history_is_read_to_the_end_and_unreadable_is_said() -> None:
    with slack_double() as (double, url):
        slack = Slack(TOKEN, url, 5.0)
        sent = {
            "channel": "C0123456789",
            "metadata": {"event_type": "goldenhour_delivery", "event_payload": {"key": str(UUID(int=7))}},
        }
        first = double.post(sent)
        for _other in range(450):
            double.post({"channel": "C0123456789", "text": "chat"})
        since = datetime.fromtimestamp(float(first) - 1).astimezone()
        found = slack.find({UUID(int=7), UUID(int=8)}, "C0123456789", since)
        assert {key: each.ts for key, each in found.items()} == {UUID(int=7): first}
        assert double.called("conversations.history") == 3
        double.history_down = True
        with pytest.raises(UnreadableError, match="500"):
            slack.find({UUID(int=7)}, "C0123456789", since)


def test_doctor_hears_which_workspace_it_is_or_why_not() -> None:
    with slack_double() as (_double, url):
        assert Slack(TOKEN, url, 5.0).greet() == "Test Force"
        with pytest.raises(SlackError, match="invalid_auth"):
            Slack("xoxb-wrong", url, 5.0).greet()
    with pytest.raises(SlackError, match="not reached"):
        Slack(TOKEN, "http://127.0.0.1:9/", 1.0).greet()
