"""A growth update reads as what it is: the same case, growing, with what grew in words."""

from responders.blocks import page
from tests.responders.test_blocks import DESK, KEY, accepted, make_notice, shown
from triage.records import AlertState, Status


def test_a_growth_update_says_that_and_how_the_case_grows() -> None:
    told = page(KEY, make_notice(growth=2, grows="412 posts in ten minutes, picked up by an outlet"), DESK)
    assert accepted(told)
    assert "Growing · ◆ SEV2 high · GH-12" in " | ".join(shown(told))
    assert "Growth: 412 posts in ten minutes, picked up by an outlet" in " | ".join(shown(told))


def test_an_update_that_a_later_one_overtook_says_so() -> None:
    overtaken = make_notice(growth=1, grows="60 posts", state=AlertState.CLOSED, status=Status.DETECTED)
    assert "a later update says more" in " | ".join(shown(page(KEY, overtaken, DESK)))
    ended = overtaken._replace(status=Status.NOISE)
    assert "Closed: noise" in " | ".join(shown(page(KEY, ended, DESK)))
