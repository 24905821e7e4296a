"""Legal holds from the terminal: set one, sign it off, look at it again, release it, list them with what they hold."""

import getpass
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any, NamedTuple
from zoneinfo import ZoneInfo

import typer
from sqlmodel import Session, col, select

from config import log as logs
from config.cli import Complaint
from config.database import open_database
from config.retaining import retention_policy
from config.settings import read_settings
from triage.hidden import look_as, sees
from triage.hold_records import Hold
from triage.holding import (
    Scope,
    answer_content,
    find_hold,
    release_hold,
    review_hold,
    scope_words,
    set_hold,
    what_is_held,
)
from triage.locked import Conflict
from triage.pasting import posts_at
from triage.people import find_person
from triage.permissions import Denied, Permission, need
from triage.queue import find_case
from triage.records import Person
from triage.retention_policy import HoldRules

app = typer.Typer()
hold = typer.Typer(help="Legal holds: set, list, review, release; sign off.")
app.add_typer(hold, name="hold")

LONDON = ZoneInfo("Europe/London")
DAYS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M"]

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
By = Annotated[
    str, typer.Option("--by", metavar="USERNAME", help="Who answers for it; by default this account.")
]
Why = Annotated[str, typer.Option("--why", help="Why, in a few words; it stands in the log.")]
Which = Annotated[str, typer.Argument(metavar="HOLD", help="H-3 or 3.")]
Moment = Annotated[datetime | None, typer.Option(formats=DAYS, help="London time.")]


class Opened(NamedTuple):
    """What a command works with; the session finds what this person may see."""

    session: Session
    rules: HoldRules
    who: Person
    now: datetime


@contextmanager
def _opened(by: str) -> Iterator[Opened]:
    settings = read_settings()
    logs.set_up("error", "hold")
    with open_database(settings) as engine, Session(engine, expire_on_commit=False) as session:
        who = find_person(session, by or getpass.getuser())
        if who is None:
            raise Complaint(f"there is no account {by or getpass.getuser()!r}: name yours with --by")
        look_as(session, who)
        try:
            yield Opened(session, retention_policy(settings).holds, who, datetime.now(UTC))
            session.commit()
        except (Conflict, Denied) as error:
            raise Complaint(str(error)) from error


@hold.command("add")
def add(
    reason: Annotated[str, typer.Option(help="One of the policy's reasons.")],
    why: Why,
    expires: Annotated[datetime, typer.Option(formats=DAYS, help="When it ends by itself, London time.")],
    case: Annotated[str, typer.Option(help="A case: GH-12 or 12.")] = "",
    link: Annotated[str, typer.Option(help="The address of one post.")] = "",
    source: Annotated[str, typer.Option(help="With --since and --until: one source; else all.")] = "",
    since: Moment = None,
    until: Moment = None,
    content: Annotated[
        bool, typer.Option("--posts", help="Posts, too: a data steward must sign that off.")
    ] = False,
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Hold a case, a post, or what came in a stretch of time, from now on."""
    with _opened(by) as here:
        scope = Scope(
            _case(here, case) if case else None,
            _post(here, link) if link else None,
            source or None,
            since.replace(tzinfo=LONDON) if since else None,
            until.replace(tzinfo=LONDON) if until else None,
        )
        made = set_hold(
            here.session, scope, here.rules, reason=reason, why=why, content=content,
            expires_at=expires.replace(tzinfo=LONDON), who=here.who, now=here.now,
        )  # fmt: skip
        _tell(here, made, as_json=as_json)


@hold.command("list")
def list_holds(
    ended: Annotated[bool, typer.Option("--ended", help="Those that ended as well.")] = False,
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """The holds that stand, and what each keeps just now."""
    with _opened(by) as here:
        need(here.who, Permission.READ_HOLDS)
        asked = select(Hold).order_by(col(Hold.number))
        found = here.session.exec(asked if ended else asked.where(col(Hold.ended_at).is_(None))).all()
        told = [_told(here, each) for each in found]
    print(json.dumps(told) if as_json else "\n".join(_line(each) for each in told) or "There is no hold.")


@hold.command("sign")
def sign(
    which: Which,
    refuse: Annotated[
        bool, typer.Option("--refuse", help="Say no: records are held, posts are not.")
    ] = False,
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Sign off, as a data steward who did not set it, that copied posts are held."""
    with _opened(by) as here:
        found = find_hold(here.session, which)
        answer_content(here.session, found.id, agreed=not refuse, who=here.who, now=here.now)
        _tell(here, found, as_json=as_json)


@hold.command("review")
def review(which: Which, why: Why, expires: Moment = None, by: By = "", as_json: AsJson = False) -> None:
    """Say that it is still needed; with --expires, until when."""
    with _opened(by) as here:
        found = find_hold(here.session, which)
        ends = expires.replace(tzinfo=LONDON) if expires else None
        review_hold(here.session, found.id, here.rules, why=why, expires_at=ends, who=here.who, now=here.now)
        _tell(here, found, as_json=as_json)


@hold.command("release")
def release(which: Which, why: Why, by: By = "", as_json: AsJson = False) -> None:
    """End it: what is due goes with the next run."""
    with _opened(by) as here:
        found = find_hold(here.session, which)
        release_hold(here.session, found.id, why=why, who=here.who, now=here.now)
        _tell(here, found, as_json=as_json)


def _case(here: Opened, reference: str) -> Any:
    found = find_case(here.session, reference)
    if found is None or not sees(here.session, here.who, found.id):
        raise Conflict(f"There is no case {reference!r}.")
    return found.id


def _post(here: Opened, link: str) -> Any:
    found = posts_at(here.session, {link.strip()})
    if len(found) != 1:
        raise Conflict(f"{len(found)} posts are at this address: hold their case instead.")
    return found[0]


def _tell(here: Opened, made: Hold, *, as_json: bool) -> None:
    here.session.flush()
    told = _told(here, made)
    print(json.dumps(told) if as_json else _line(told))


def _told(here: Opened, found: Hold) -> dict[str, Any]:
    kept = found.model_dump(
        mode="json", warnings=False, exclude={"id", "case_id", "post_id", "set_by", "signed_by", "ended_by"}
    )
    return kept | {
        "on": scope_words(here.session, found),
        "held": what_is_held(here.session, found)._asdict(),
    }


def _line(told: dict[str, Any]) -> str:
    state = f"ended: {told['ended_because']}" if told["ended_at"] else f"until {told['expires_at'][:10]}"
    posts = f"{told['held']['posts']:,} posts held" if told["signed_at"] else "records only"
    if told["content"] and not told["signed_at"] and not told["refused_at"]:
        posts = f"records; {told['held']['posts']:,} posts wait for the data steward's sign-off"
    return f"H-{told['number']}  {told['on']}  {told['reason']}: {told['why']}  {posts}  {state}"
