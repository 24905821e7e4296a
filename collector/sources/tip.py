"""Tips: what people write to us through the public form, or a partner sends through the signed webhook."""

from collector.sources.base import Follows, How, Kind, Needs

KIND = Kind(
    how=How.INBOUND,
    needs=Needs.NOTHING,
    basis="written to us, for us to read; no account and no name asked for",
    retention=None,
    deletions=Follows.NEVER,
    edits=Follows.NEVER,
    on=True,
)
