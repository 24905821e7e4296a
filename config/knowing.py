"""What the service can say of itself, from the files: purposes, agreements, how long each class of data stays."""

from collections.abc import Sequence

from collector.agreements import Agreement, read_agreements
from config.retaining import retention_policy
from config.settings import Settings
from triage.accountability.known import Kept, Known
from triage.accountability.purposes import read_purposes
from triage.retention_policy import Disposal, RetentionClass, RetentionPolicy

THEN = {  # what becomes of a class when its time is over; of the others the rows or files simply go
    Disposal.CONTENT: "the words go from everywhere at once; digests, labels and the decision stay",
    Disposal.COLLECTOR: "goes",
    Disposal.MONTHS: "the whole month goes",
    Disposal.LOG: "goes with a sealed certificate, so that the chain still proves itself",
}
GOES = "goes, with a certificate"
WORDS_OF_POSTS = "all that posts say"


def known_of(settings: Settings) -> Known:
    """Raises ValueError with file, key and reason."""
    purposes = read_purposes(settings.file("policy/purposes.toml"))

    def agreements() -> Sequence[Agreement]:
        return read_agreements(settings.file("agreements.toml"))

    return Known(purposes, agreements, kept_by(retention_policy(settings)))


def kept_by(policy: RetentionPolicy) -> list[Kept]:
    """Every class of the policy in words."""
    return [_kept(each) for each in policy.classes]


def _kept(one: RetentionClass) -> Kept:
    covers = ", ".join(each.replace("_", " ").strip("/") for each in one.places) or WORDS_OF_POSTS
    if one.disposal is Disposal.NEVER:
        return Kept(one.title, covers, f"until {one.clock}", one.because)
    stays = f"{one.period}, from when: {one.clock}" if one.period.number else f"until {one.clock}"
    return Kept(one.title, covers, stays, THEN.get(one.disposal, GOES))
