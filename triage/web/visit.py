"""What each page is given: the room it stands in, the person who asks, and one database session."""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, NamedTuple
from urllib.parse import urlsplit

import jinja2
from fastapi import Depends, Path, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy import Engine
from sqlmodel import Session

from classifier.rarity import Rarity
from collector.video.files import Files
from triage.claim_types import Guide
from triage.hidden import look_as
from triage.lifecycle import Lifecycle
from triage.locked import Conflict
from triage.oidc import Provider
from triage.policies import Policies
from triage.records import Person
from triage.settings import WebSettings
from triage.web.calm import Watch
from triage.web.drill import Exercise
from triage.web.inbox import Inbox
from triage.web.live import Hub
from triage.web.sessions import Visitor

UNDOABLE = re.compile(r"[0-9]{1,12}(,[0-9]{1,12}){0,99}")  # numbers of cases in an address

# What the page says after a form was sent; only these words can be put on a page by its address.
SAID = {
    "claimed": "You have claimed this case.",
    "released": "You have released this case.",
    "acknowledged": "Acknowledged. Every channel shows it.",
    "sent-again": "It is sent again. What becomes of it stands on this page.",
    "dismissed": "Closed without action. The reason is in the log.",
    "reopened": "Opened again.",
    "undone": "Taken back.",
    "batch-claimed": "You have claimed these cases.",
    "none-free": "There is no case that nobody has.",
    "watched": "On the watch list.",
    "confirmed": "Confirmed as an incident.",
    "joined": "Joined. The log says who and why.",
    "split": "Split into a case of its own.",
    "refused": "Taken off the suggestions.",
    "exemplary": "Proposed. It is on the list of the next meeting in a moment.",
    "footage-shown": "Shown to you for 15 minutes. The custody log says so.",
    "footage-added": "Added. It is being looked at; what it shows stands here within a minute or two.",
    "released-evidence": "The release is entered.",
    "claim-noted": "Noted. Posts are being compared with it.",
    "claim-changed": "Entered. The log says who.",
    "claim-asked": "Asked. It counts once a second person agrees.",
    "claim-decided": "Decided. The reason and the evidence stand beside it.",
    "claim-refused": "Not agreed. The claim is as it was.",
    "claim-answered": "Entered, with the figures as they are now.",
    "claim-off": "Taken off. Posts are not compared with it any more.",
    "question-noted": "The question is noted.",
    "question-answered": "Entered beside the question.",
    "fact-noted": "Noted. It counts once somebody has verified it.",
    "fact-verified": "Verified. Lines may rest on it.",
    "fact-withdrawn": "Withdrawn. Lines that rest on it are stale.",
    "line-asked": "Begun.",
    "line-written": "Kept as a new version.",
    "line-submitted": "Handed to review.",
    "line-sent-back": "Sent back, with what is to be changed.",
    "line-commented": "Said. It stands beside the line.",
    "line-aside": "Set aside.",
    "line-cleared": "Entered: cleared for this version.",
    "line-approved": "Your approval is entered.",
    "line-issued": "Recorded. Nothing was published from here.",
    "exercise-begun": "It has begun. Its clock runs from now on.",
    "exercise-noted": "Kept with the score.",
    "password": "Your new password is set. Other browsers are signed out.",
    "signed-out": "You have signed out.",
    "work-connected": "Connected. From now on it signs you in.",
    "work-disconnected": "Disconnected. It signs nobody in any more.",
    "pasted": "The link is kept, with its title.",
    "pasted-silent": "The link is kept as you saw it. Its platform told us nothing: see why below.",
    "known-link": "This link was here already.",
    "asked-now": "It is asked now. What it brings stands here in a moment.",
    "paused": "Paused. It goes on by itself; until then every page says so.",
    "goes-on": "The pause is over: it is asked now.",
    "track-moved": "The track has moved on. The log says so.",
    "track-taken": "The track is yours.",
    "track-left": "The track is nobody's.",
    "clock-paused": "The clock stands still. The reason is in the log.",
    "clock-resumed": "The clock goes on; the pause was added to its time.",
    "clock-met": "Entered as done.",
    "asked": "Asked. Its time counts from now.",
    "decided": "The decision is entered.",
    "body-worn": "Entered.",
    "release-asked": "Asked. It counts once a second person agrees.",
    "release-decided": "Decided. It stands on the case page and in the oversight pack.",
    "release-refused": "Not agreed. What was decided before still stands.",
    "looked-at": "Entered. It counts anew from now on.",
    "pack-asked": "Asked for. It is made and read by the linter within a minute; then it stands here.",
    "pack-released": "Released. Those it is for can open it now.",
    "pack-refused": "Not released. The reason is in the log.",
    "sheet-entered": "Entered. What stood there before is kept.",
    "sheet-reworded": "Entered. Panels read these words and no others of this field.",
    "finding-decided": "The finding is entered. What the BCU is told is drafted from it.",
    "finding-corrected": "The correction is entered. The finding before it stays readable.",
    "referral-recorded": "Recorded. Nothing was referred from here.",
    "referral-back": "Taken back. The log says why.",
    "action-opened": "Asked for. It is on the list of actions.",
    "action-noted": "Noted.",
    "action-moved": "The due date is moved. The first one stays beside it.",
    "action-done": "The evidence is entered. The group closes the action.",
    "action-closed": "Closed, with what came of it.",
    "action-reopened": "Open again.",
    "minutes-drafted": "Drafted from the records. Read them through.",
    "minutes-edited": "Saved.",
    "minutes-approved": "Approved. From now on corrections are appended.",
    "minutes-corrected": "Appended.",
    "feedback-written": "Saved.",
    "feedback-sent": "Recorded as sent.",
    "feedback-confirmed": "Entered: the officer was told.",
    "forms-imported": "Imported. Forms that were here already count once.",
    "panel-answered": "Written. Record it here once the panel was told.",
    "panel-told": "Entered: the panel was told.",
    "release-item": "Entered beside the decision.",
    "severity-set": "The severity is set. The computed one stands beside it.",
    "severity-back": "The computed severity counts again.",
    "closed": "The case is closed. Its history stays.",
    "restricted": "Only those named below see this case now.",
    "restriction-changed": "Entered. The log says who.",
    "lift-asked": "Asked. Everybody sees it once a second person agrees.",
    "lifted": "The restriction is lifted: everybody sees the case again.",
    "lift-refused": "The case stays restricted.",
    "duty-asked": "Asked. It counts once they agree.",
    "duty-taken": "Taken, from then on. The rota and the calendars show it.",
    "duty-agreed": "Agreed. The rota and the calendars show it.",
    "duty-refused": "Refused. The rota is as it was.",
    "duty-withdrawn": "Withdrawn.",
    "calendar-revoked": "That calendar address does not work any more.",
    "snoozed": "Reminders are silent for that long. New harm is told all the same.",
    "escalated": "Whoever comes next is being told.",
    "review-listed": "On the list. The log says who, and why.",
    "review-off": "Taken off the list. The reason stands below it.",
    "review-over": "Carried over. The later list has it.",
    "review-order": "The order is changed.",
    "attendance": "Entered on the sheet.",
    "declared": "Declared. Who is recused does not see the case from now on.",
    "declaration-withdrawn": "Withdrawn. They count for the quorum of the case again.",
    "meeting-moved": "Moved. Calendars follow.",
    "meeting-cancelled": "Cancelled. Its cases are on the next open list.",
    "meeting-back": "It is held after all. Look at its list: its cases stay where they went.",
    "seat-given": "Entered. They are expected from the next lock on.",
    "seat-ended": "The seat has ended.",
    "request-noted": "Noted, with the panel that asked.",
    "request-answered": "Answered. The panel is told the reason.",
    "handed-over": "The note is left. Whoever comes next reads it here.",
    "handover-read": "Entered: you have read it.",
    "reveal-asked": "Asked. The log says so.",
    "reveal-agreed": "Agreed. They are shown the author for some minutes; you are not.",
    "error-noted": "Noted. Say how it was mended once it is.",
    "error-answered": "Entered.",
    "access-reviewed": "Entered. The next one is due in a quarter.",
    "reveal-unlocked": "The lock is open. Posts of this author are counted anew.",
    "hold-set": "The hold stands from now on. The log says so.",
    "hold-signed": "Signed off. Its posts are held, too.",
    "hold-refused": "Entered. Records are held, posts are not.",
    "hold-reviewed": "Entered: it is still needed.",
    "hold-released": "The hold has ended. What is due goes with the next run.",
    "rights-entered": "Entered. What we hold about these posts stands below.",
    "rights-extended": "Extended. Tell whoever asks, and why, within the first month.",
    "rights-decided": "Decided. What is to be erased goes in a moment.",
    "rights-answered": "Entered as answered.",
    "tied": "Entered. The case is not shown to you any more, and is free for others.",
    "tie-withdrawn": "Withdrawn. They can see the case and work on it again.",
    "gap-closed": "The gap is closed. The reason is in the log.",
    "type-corrected": "The type is corrected. The next model learns from it.",
    "rightly-dropped": "Noted: rightly dropped.",
    "missed": "Noted. It becomes a case in a moment, and both desks are told.",
    "model-asked": "Asked for. Somebody else has to agree.",
    "model-changed": "It is in use. Workers turn to it within seconds.",
    "model-refused": "Nothing changes. The log says so.",
    "model-off": "It is off. Posts are judged by words alone within seconds, and people decide.",
    "model-on": "It is on again. What was judged by words alone is read again.",
    "channel-off": "It is off. What would go there goes by the other channels.",
    "channel-on": "It is on again.",
    "rules-agreed": "These rules decide from now on. Workers turn to them within seconds.",
    "rules-refused": "The rules stay as they are. The log says so.",
    "rules-back": "The rules from before decide again. Workers turn to them within seconds.",
}


class Room(NamedTuple):
    """Everything the pages share, put together once in `desk`."""

    engine: Engine
    settings: WebSettings
    channels: tuple[str, ...]
    lease: timedelta
    pages: jinja2.Environment
    hub: Hub
    files: Files
    inbox: Inbox
    guide: Guide
    lifecycle: Lifecycle | None
    policies: Policies
    provider: Provider | None
    rarity: Rarity
    rules_on_disk: Callable[[], str | None]
    watch: Watch
    exercise: Exercise | None
    now: Callable[[], datetime]


class Visit(NamedTuple):
    """One request by a signed-in person."""

    request: Request
    room: Room
    session: Session
    visitor: Visitor
    now: datetime

    @property
    def person(self) -> Person:
        return self.visitor.person

    def page(self, name: str, status: int = 200, **shown: Any) -> HTMLResponse:
        """A whole page, with the banners of what is wrong on top."""
        calm = self.room.watch.look(self.session, now=self.now)
        asked = self.request.query_params
        said = SAID.get(asked.get("said", ""), "")
        undo = asked.get("undo", "")
        undone = undo.split(",") if said and UNDOABLE.fullmatch(undo) else []
        return self.part(name, status, calm=calm, said=said, undo=undone, **shown)

    def part(self, name: str, status: int = 200, **shown: Any) -> HTMLResponse:
        """A piece of a page, for htmx to put in place."""
        text = self.room.pages.get_template(name).render(
            request=self.request, me=self.person, csrf=self.visitor.csrf, now=self.now, **shown
        )
        return HTMLResponse(text, status)

    def attempt(self, change: Callable[[], object], back: str) -> HTMLResponse | None:
        """Make a change and commit it; where it cannot be made now, the page that says why, and leads back."""
        try:
            change()
            self.session.commit()
        except Conflict as conflict:
            self.session.rollback()
            return self.page("conflict.html", 409, detail=str(conflict), back=back)
        return None

    @property
    def in_place(self) -> bool:
        """Whether htmx asked, and wants a piece instead of a redirect."""
        return self.request.headers.get("hx-request") == "true"

    def back(self, said: str, to: str, *, undo: Sequence[int] = (), part: str = "") -> RedirectResponse:
        """See other: after a form, the page it came from with one sentence on top, and how to take it back on the
        cases of these numbers. `part` is where on that page."""
        return RedirectResponse(with_said(to, said, undo) + (f"#{part}" if part else ""), 303)


def with_said(address: str, said: str, undo: Sequence[int] = ()) -> str:
    """A local address with the sentence to say in it, replacing an older one. `undo` are numbers of cases."""
    parts = urlsplit(address)
    kept = [pair for pair in parts.query.split("&") if pair and not pair.startswith(("said=", "undo="))]
    told = [f"said={said}"] + ([f"undo={','.join(map(str, undo))}"] if undo else [])
    return f"{parts.path}?{'&'.join([*kept, *told])}"


def room_of(request: Request) -> Room:
    room: Room = request.app.state.room
    return room


def _open_visit(request: Request) -> Iterator[Visit]:
    room = room_of(request)
    visitor: Visitor = request.state.visitor
    request.state.heard = room.hub.mark
    with Session(room.engine) as session:
        look_as(session, visitor.person)
        yield Visit(request, room, session, visitor, room.now())


Visiting = Annotated[Visit, Depends(_open_visit)]
Numbered = Annotated[
    int, Path(ge=1, le=2**31 - 1)
]  # of a thing, in an address: no larger than the database counts


def plain_page(room: Room, request: Request, name: str, status: int = 200, **shown: Any) -> HTMLResponse:
    """A page for someone who has not signed in."""
    text = room.pages.get_template(name).render(request=request, me=None, now=room.now(), **shown)
    return HTMLResponse(text, status)


def listed(values: Sequence[str]) -> list[str]:
    """The values of a repeated field without blanks."""
    return [each for each in values if each]
