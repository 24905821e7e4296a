"""The page of an exercise: what the players are told, what Slack would show, and at the end the score.

There is one only on the desk of an exercise (`goldenhour exercise`); the live desk has none.
"""

from typing import Annotated

from fastapi import APIRouter, Form, HTTPException
from fastapi.responses import HTMLResponse, Response

from triage.log import Line, note
from triage.web.drill import Exercise, Standing
from triage.web.visit import Visiting

router = APIRouter()

LONGEST_NOTE = 4_000
Words = Annotated[str, Form(max_length=LONGEST_NOTE)]


@router.get("/exercise")
def exercise(visit: Visiting) -> HTMLResponse:
    """How it stands; on a desk without one, how to begin one."""
    played = visit.room.exercise
    standing = played.standing() if played else Standing(begun=False, over=False, minute=0, posts=0)
    return visit.page("exercise.html", exercise=played, standing=standing, longest=LONGEST_NOTE)


@router.post("/exercise/begin")
def begin(visit: Visiting) -> Response:
    """Let the exercise's clock run."""
    played = _played(visit)
    note(visit.session, [Line("exercise begun")], who=visit.person.username, now=visit.now)
    visit.session.commit()
    played.begin()
    return visit.back("exercise-begun", "/exercise")


@router.post("/exercise/note")
def keep_note(visit: Visiting, words: Words) -> Response:
    """Keep what a player says of the exercise, with its score."""
    played = _played(visit)
    if words.strip():
        note(visit.session, [Line("exercise noted")], who=visit.person.username, now=visit.now)
        visit.session.commit()
        played.keep_note(visit.person.name, words.strip())
    return visit.back("exercise-noted", "/exercise", part="notes")


def _played(visit: Visiting) -> Exercise:
    if visit.room.exercise is None:
        raise HTTPException(404, "No exercise is played on this desk.")
    return visit.room.exercise
