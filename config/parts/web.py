"""The web part: the desk and the JSON interface, served by uvicorn."""

import time

import uvicorn
from fastapi import FastAPI

from classifier.rarity import Rarity
from collector.vault import Keyring
from collector.video.files import Files
from config.beats import Pulse
from config.channels import names_of
from config.inbox import inbox_of, partners_doors
from config.knowing import known_of
from config.oncall import InForce
from config.packs import checks_of, definitions_of
from config.retaining import due_of, retention_policy
from config.reviews import cycle_of
from config.rules import digest_on_disk
from config.scrape import Scrape, Timed
from config.service import House, loaded
from config.slack import doors_of
from config.supervise import when_asked_to_end
from config.wording import writing_of
from responders.retention.certified import filed
from triage.claim_types import read_guide
from triage.lifecycle import read_lifecycle
from triage.oidc import Provider
from triage.policies import Policies
from triage.release_policy import FILES as RELEASE_POLICIES
from triage.release_policy import read_release_policies
from triage.response_policy import read_response_policy
from triage.restricting import read_restricted_policy
from triage.reveal import read_reveal_policy
from triage.review.finding_codes import read_finding_codes
from triage.review.sheets import read_sheet
from triage.rules import RulesError
from triage.shifts import read_shift_policy
from triage.web.app import desk
from triage.web.drill import Exercise

STREAMS_END_WITHIN_S = 3
ALIVE_WITHIN_S = 15.0
KEPT_OPEN_S = 75  # longer than browsers and proxies keep a connection they do not use, so that they close it


def desk_of(house: House, played: Exercise | None = None) -> FastAPI:
    """The desk with what is configured around it; `played` is the exercise it is for."""
    scrape = Scrape(house.engine, house.settings.web, clock=house.clock)
    made = desk(
        house.engine,
        house.settings.web,
        channels=names_of(house),
        doors=[*doors_of(house), *partners_doors(house), scrape.door],
        inbox=inbox_of(house),
        files=Files(house.settings.media, house.settings.http.largest_file_bytes),
        lease=house.settings.triage.lease,
        lifecycle=read_lifecycle(house.settings.file("tracks.toml")),
        policies=policies_of(house),
        provider=provider_of(house),
        rarity=Rarity.load(house.settings.file("matching/rarity.bin")),
        guide=read_guide(house.settings.file("claims.toml")),
        rules_on_disk=lambda: rules_here(house),
        played=played,
        now=house.clock,
    )
    made.add_middleware(Timed, scrape=scrape)
    return made


def rules_here(house: House) -> str | None:
    """The digest of the file of rules as it now lies on this machine; None when it cannot be read."""
    try:
        return digest_on_disk(house.settings)
    except RulesError:
        return None


def policies_of(house: House) -> Policies:
    """The policies of who is shown what, as the files say."""
    return Policies(
        restricted=read_restricted_policy(house.settings.file("policy/restricted.toml")),
        reveal=read_reveal_policy(house.settings.file("policy/reveal.toml")),
        keyring=Keyring.of(house.settings.vault),
        shift=read_shift_policy(house.settings.file("policy/shift.toml")),
        oncall=InForce(house),
        writing=writing_of(house.settings),
        retention=retention_policy(house.settings),
        due=due_of(house.settings, house.engine),
        filed=lambda: filed(house.settings.retention),
        permalink_key=house.settings.key("permalinks"),
        responses=read_response_policy(house.settings.file("policy/responses.toml")),
        findings=read_finding_codes(house.settings.file("review/findings.toml")),
        cycle=cycle_of(house.settings),
        figures=definitions_of(house.settings),
        sheet=read_sheet(house.settings.file("review/sheet.toml")),
        pack_checks=checks_of(house.settings),
        release=read_release_policies(house.settings.files(RELEASE_POLICIES)),
        known=known_of(house.settings),
    )


def provider_of(house: House) -> Provider | None:
    """The provider whose accounts sign people in; None where none is set."""
    settings = house.settings
    if not settings.oidc.issuer:
        return None
    return Provider(settings.oidc, back=f"{settings.address}/sign-in/oidc/back", now=house.clock)


def serve(house: House) -> None:
    """Serve the desk until asked to end; open streams are given three seconds."""
    turned = [time.monotonic()]

    async def turn() -> None:
        turned[0] = time.monotonic()

    server = uvicorn.Server(
        uvicorn.Config(
            desk_of(house),
            host=house.settings.web.host,
            port=house.settings.web.port,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=STREAMS_END_WITHIN_S,
            timeout_keep_alive=KEPT_OPEN_S,
            callback_notify=turn,
            timeout_notify=1,
        )
    )
    pulse = Pulse(
        house.engine, "web", clock=house.clock, alive=lambda: time.monotonic() - turned[0] < ALIVE_WITHIN_S
    )
    when_asked_to_end(lambda: None)  # uvicorn ends itself, then raises the signal once more
    loaded()
    pulse.start()
    server.run()
    pulse.end()
