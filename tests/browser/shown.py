"""Where a browser looks: an address for each page of the desk, and for the same pages in another state."""

import re
from uuid import UUID

from tests.triage.web.listed import OPEN_TO_ALL, SIGNED_IN

# what answers with something else than a page, or only with a piece of one
NOT_PAGES = {
    "/", "/healthz", "/favicon.ico", "/banners", "/live", "/queue/new", "/cases/{ref}/row",
    "/cases/{ref}/footage/{footage}/blurred", "/cases/{ref}/footage/{footage}/sheet", "/sign-in/oidc",
    "/sign-in/oidc/back", "/on-call/calendar/{token}", "/reviews/calendar/{token}", "/reviews/{day}/quorum",
    "/retention/certificates/{number}/file",
    "/packs/{number}/{form}",
}  # fmt: skip
EXAMPLES = {
    "/cases/{ref}": "/cases/1",
    "/cases/{ref}/dismiss": "/cases/3/dismiss",
    "/cases/{ref}/claims/new": "/cases/1/claims/new",
    "/claims/{ref}": "/claims/1",
    "/sources/{name}": "/sources/mastodon-london",
    "/sign-in/{token}": "/sign-in/nothing",
    "/tip/sent/{reference}": "/tip/sent/nothing",
    "/cases/{ref}/posts/{post}/reveal": "/cases/1/posts/{post}/reveal",
    "/cases/{ref}/reveals/{reveal}": "/cases/1/reveals/{reveal}",
    "/accountability/{name}": "/accountability/purposes",
    "/holds/{number}": "/holds/1",
    "/rights/{number}": "/rights/1",
    "/retention/certificates/{number}": "/retention/certificates/2",
    "/manual/{ref}": "/manual/{post}",
    "/cases/{ref}/sheet": "/cases/1/sheet",
    "/cases/{ref}/alike": "/cases/1/alike",
    "/reviews/{day}/cases/{ref}": "/reviews/2026-01-14/cases/1",
    "/reviews/{day}": "/reviews/2026-01-14",
    "/reviews/{day}/minutes": "/reviews/2026-01-14/minutes",
    "/actions/{number}": "/actions/1",
    "/cases/{ref}/body-worn": "/cases/1/body-worn",
    "/cases/{ref}/statements/{number}": "/cases/1/statements/1",
    "/cases/{ref}/posts/{post}/compare": "/cases/1/posts/{post}/compare",
}
STATES = (
    "/accountability/impact", "/accountability/access", "/accountability/judgement",
    "/queue?view=closed", "/queue?view=good", "/queue?view=mine&severity=3", "/queue?bcu=CE", "/cases/3", "/cases/20",
    "/cases/25", "/cases/26", "/cases/27", "/cases/999999", "/feedback?view=all", "/actions?view=closed",
    "/reviews/2026-01-14/cases/2", "/alerts?state=acknowledged", "/claims?q=nothing+like+it", "/claims/2",
    "/routings?rule=fiction", "/routings?words=stunt", "/search?q=police", "/search?q=nothing+like+it",
    "/holds/2", "/holds/3", "/rights/2", "/figures?show=false_alarms",
    "/sources?show=blind", "/sources?borough=Ealing", "/sources/barnet-bugle", "/manual?link=nothing", "/nowhere",
)  # fmt: skip


def pages() -> list[str]:
    """The addresses of all pages, as routes name them. A page that nobody looks at fails test_looks.py."""
    routes = {route.removeprefix("GET ") for route in OPEN_TO_ALL | SIGNED_IN if route.startswith("GET ")}
    return sorted(each for each in routes - NOT_PAGES if not each.startswith("/api/") and "." not in each)


def addresses(post: UUID | None = None, reveal: UUID | None = None) -> list[str]:
    """Where to look, pages that take a name with one that exists. Those of a post or a reveal only when given."""
    known = {name: str(given) for name, given in (("post", post), ("reveal", reveal)) if given}
    found = [*(EXAMPLES.get(each, each) for each in pages()), *STATES]
    filled = [re.sub(r"{(\w+)}", lambda name: known.get(name[1], name[0]), each) for each in found]
    return [each for each in filled if "{" not in each]
