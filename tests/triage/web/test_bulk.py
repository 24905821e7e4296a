"""Acts on several ticked cases at once, and taking all of them back."""

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from tests.served import Browser
from triage.records import Case


def of(engine: Engine, number: int) -> Case:
    with Session(engine) as session:
        return session.exec(select(Case).where(Case.number == number)).one()


def test_several_ticked_cases_at_once(engine: Engine, amira: Browser, tom: Browser) -> None:
    tom.fill_in("/cases/9/claim")
    form = {"csrf": amira.token, "act": "claim", "case": ["7", "9", "14"], "to": "/queue"}
    answer = amira.post("/queue/bulk", data=form)
    assert answer.status_code == 409
    assert "Some were not changed" in answer.text
    assert "GH-9: Tom B. has this case" in answer.text
    assert "Undo all 2" in answer.text
    me = of(engine, 7).claimed_by
    assert me is not None
    assert of(engine, 9).claimed_by not in (None, me)
    assert amira.post("/queue/bulk", data={**form, "act": "acknowledge", "case": ["7"]}).status_code == 303
    assert amira.post("/queue/bulk", data={**form, "act": "erase"}).status_code == 422
    assert amira.post("/queue/bulk", data={"csrf": amira.token, "act": "claim"}).status_code == 422


@pytest.mark.parametrize(
    ("act", "becomes"), [("watch", "watch"), ("not_ours: Outside London", "not_ours"), ("claim", "triaged")]
)
def test_a_surge_is_cleared_many_at_a_time_and_all_of_it_taken_back(
    engine: Engine, amira: Browser, act: str, becomes: str
) -> None:
    numbers = ["6", "7", "14"]
    before = [of(engine, int(each)).status for each in numbers]
    done = amira.post(
        "/queue/bulk", data={"csrf": amira.token, "act": act, "case": numbers, "to": "/queue?bcu=AS"}
    )
    assert done.status_code == 303
    assert done.headers["location"].endswith("&undo=6,7,14")
    assert "bcu=AS" in done.headers["location"]
    assert {of(engine, int(each)).status for each in numbers} == {becomes}
    page = amira.get(done.headers["location"]).text
    assert "Undo all 3" in page
    undo = "release" if act == "claim" else "undo"
    assert f'name="act" value="{undo}"' in page
    taken = amira.post("/queue/bulk", data={"csrf": amira.token, "act": undo, "case": numbers})
    assert taken.status_code == 303
    after = [of(engine, int(each)) for each in numbers]
    if act == "claim":
        assert [each.claimed_by for each in after] == [None] * 3
    else:
        assert [each.status for each in after] == before
