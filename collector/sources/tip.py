"""Tips: what people write to us through the public form, or a partner sends through the signed webhook.

The source `tip-form` is the form; every other source of this kind is a partner, which signs with a secret of its own.
"""

from collector.sources.base import Follows, How, Kind, Needs

FORM = "tip-form"

KIND = Kind(
    how=How.INBOUND,
    needs=Needs.NOTHING,
    basis="written to us, for us to read; no account and no name asked for",
    retention=None,
    deletions=Follows.NEVER,
    edits=Follows.SHOWN_AGAIN,
    on=True,
)
