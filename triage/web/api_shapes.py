"""What the JSON interface tells and takes: each shape is described at /api/v1/openapi.json."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from collector.records import Record
from triage.records import Case, Desk
from triage.web.alerts import Raised
from triage.web.case import Voice
from triage.web.claim_rows import Row as ClaimRow
from triage.web.growth import GrowthPanel
from triage.web.reading import unmentioned
from triage.web.rows import Row
from triage.web.tracks import TrackShown


class Shown(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class ClockOut(Shown):
    name: str
    desk: str
    due_at: datetime
    overdue: bool


class CaseOut(Shown):
    """A case as the queue shows it."""

    id: UUID
    number: int
    version: int
    title: str
    status: str
    severity: int = Field(ge=1, le=5)
    severity_parts: dict[str, Any]
    incident: float
    type: str
    force: str
    borough: str | None
    bcu: str | None
    place: str | None
    desks: list[str]
    opened_at: datetime
    first_published_at: datetime
    last_post_at: datetime
    post_count: int
    posts_in_ten_minutes: int
    source_count: int
    claimed_by: str | None
    claimed_until: datetime | None
    unacknowledged_by: list[str]
    clocks: list[ClockOut]
    quotes: list[str]

    @classmethod
    def of(cls, row: Row) -> "CaseOut":
        shown = fields(row.case, set(cls.model_fields) & set(Case.model_fields))
        return cls.model_validate(
            {
                **shown,
                "posts_in_ten_minutes": row.pace,
                "claimed_by": row.holder or None,
                "claimed_until": row.case.claimed_until if row.holder else None,
                "unacknowledged_by": list(row.unanswered),
                "clocks": [ClockOut.model_validate(each) for each in row.clocks],
                "quotes": list(row.quotes),
            }
        )


class CasesOut(Shown):
    total: int
    page: int
    pages: int
    cases: list[CaseOut]


class PostOut(Shown):
    """A post of a case, with the reasons found in it. Its author is not told; account names are taken out."""

    id: UUID
    platform: str
    source: str
    url: str | None
    text: str
    published_at: datetime
    copies: int
    incident: float | None
    signals: list[dict[str, Any]]

    @classmethod
    def of(cls, voice: Voice) -> "PostOut":
        assessed = voice.assessment
        return cls(
            id=voice.post.id,
            platform=voice.post.platform,
            source=voice.post.source,
            url=voice.post.url,
            text=unmentioned("".join(each.text for each in voice.pieces)),
            published_at=voice.post.published_at,
            copies=len(voice.copies),
            incident=assessed.incident if assessed else None,
            signals=[{"words": words, "because": why} for words, why in voice.reasons],
        )


class StepOut(Shown):
    """One step of the curve; `voices` are accounts not heard in the case before, about."""

    at: datetime
    posts: int
    voices: int
    sources: int
    platforms: int


class GrowthOut(Shown):
    """How a case grows. `accounts` is a count within a few in 100; nobody is listed. `views` are those of the `viewed`
    posts whose platform gives them.
    """

    posts_in_ten_minutes: int
    spiking_since: datetime | None
    compared: list[str]
    accounts: int
    platforms: list[str]
    views: int | None
    viewed: int
    step_s: int
    steps: list[StepOut]
    picked_up: list[str]
    looks_coordinated: list[str]

    @classmethod
    def of(cls, growth: GrowthPanel) -> "GrowthOut":
        return cls(
            posts_in_ten_minutes=growth.pace.now,
            spiking_since=growth.spiking_at,
            compared=growth.compared,
            accounts=growth.accounts,
            platforms=growth.platforms,
            views=growth.views,
            viewed=growth.viewed,
            step_s=int(growth.curve.length.total_seconds()),
            steps=[StepOut.model_validate(each) for each in growth.curve.steps],
            picked_up=[each.says for each in growth.pick_ups],
            looks_coordinated=[each.says for each in growth.bursts],
        )


class TrackClockOut(Shown):
    """A clock of a track; `state` is running, soon, over, still or done."""

    name: str
    due_at: datetime
    state: str
    says: str


class TrackOut(Shown):
    """One of the four tracks of a confirmed case. `state` is as config/tracks.toml names it."""

    name: str
    state: str
    title: str
    since: datetime
    owner: str | None
    closed_at: datetime | None
    clocks: list[TrackClockOut]

    @classmethod
    def of(cls, shown: TrackShown) -> "TrackOut":
        track = shown.track
        return cls(
            name=track.name,
            state=track.state,
            title=shown.state.title,
            since=track.state_since,
            owner=shown.owner or None,
            closed_at=track.closed_at,
            clocks=[
                TrackClockOut(name=each.name, due_at=each.due_at, state=each.manner, says=each.says)
                for each in shown.clocks
            ],
        )


class ClaimOut(Shown):
    """A claim noted on a case. `state` is what people decided of it; `posts` make it, `perhaps` may."""

    number: int
    text: str
    state: str
    ours: bool
    met_wrong: bool
    withdrawn: bool
    posts: int
    perhaps: int

    @classmethod
    def of(cls, row: ClaimRow) -> "ClaimOut":
        claim = row.claim
        return cls(
            number=claim.number or 0,
            text=unmentioned(claim.text),
            state=claim.state,
            ours=claim.ours,
            met_wrong=claim.met_wrong,
            withdrawn=claim.withdrawn_at is not None,
            posts=row.posts,
            perhaps=row.suggested,
        )


class WholeCaseOut(CaseOut):
    growth: GrowthOut
    posts: list[PostOut]
    tracks: list[TrackOut]
    claims: list[ClaimOut]


class AlertOut(Shown):
    id: UUID
    case: int
    desk: str
    manner: str
    priority: str
    state: str
    raised_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    deliveries: list[dict[str, str]]

    @classmethod
    def of(cls, raised: Raised) -> "AlertOut":
        sent = [{"channel": each.channel, "state": str(each.state)} for each in raised.deliveries]
        taken = set(cls.model_fields) - {"acknowledged_by", "case", "deliveries"}
        return cls.model_validate(
            {
                **fields(raised.alert, taken),
                "case": raised.case.number,
                "acknowledged_by": raised.by or None,
                "deliveries": sent,
            }
        )


class SourceOut(Shown):
    name: str
    kind: str
    enabled: bool
    grade: str
    boroughs: list[str]
    last_success_at: datetime | None
    seen_a_day: int
    blind: str | None


class StatementOut(Shown):
    id: UUID
    case_id: UUID
    template: str
    version: int
    state: str
    text: str
    facts: list[dict[str, Any]]
    missing: list[str]
    drafted_at: datetime
    number: int
    title: str
    author: str | None
    variants: dict[str, str]
    approved_at: datetime | None
    issued_at: datetime | None
    next_update_at: datetime | None
    stale_because: str | None


class MeOut(Shown):
    username: str
    name: str
    desks: list[str]
    csrf_token: str


class HealthOut(Shown):
    """`well` is false while anything stands between the world and the desk."""

    well: bool
    troubles: list[str]
    live_sources: int
    all_sources: int


class AcknowledgeIn(BaseModel):
    model_config = ConfigDict(extra="forbid")
    desk: Desk


class DismissIn(BaseModel):
    model_config = ConfigDict(extra="forbid")
    status: Literal["noise", "not_ours", "opinion"]
    why: str = Field(min_length=1, max_length=2000)


class Refusal(BaseModel):
    detail: str


def fields(row: Record, names: set[str]) -> dict[str, Any]:
    """Columns of a row as loaded: the database keeps names of states as text."""
    return {name: getattr(row, name) for name in names}
