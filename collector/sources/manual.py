"""Links that a person pastes, with a reason: what no interface shows us. Its address, and the person's own note."""

from collector.sources.base import Follows, How, Kind, Needs

KIND = Kind(
    how=How.INBOUND,
    needs=Needs.NOTHING,
    basis="one public link at a time, pasted by a named person with a reason; no page is copied",
    retention=None,
    deletions=Follows.NEVER,
    edits=Follows.NEVER,
    on=True,
)
