"""What the responders can be set to."""

from pydantic import SecretStr

from collector.settings import Section


class SlackSettings(Section):
    """Slack is used when `token` is set; `app_token` adds Socket Mode, `signing_secret` the signed address.

    `gap_s` is the least time between two messages in one channel (Slack: about one a second). A lost reply is
    looked for in the channel's history after `settle_s`; unread until `page_deadline_s` after the try, the
    message is sent again, labelled. More than `bundle_above` pages waiting for one channel share messages.
    """

    token: SecretStr | None = None
    app_token: SecretStr | None = None
    signing_secret: SecretStr | None = None
    base_url: str = "https://slack.com/api/"
    timeout_s: float = 10.0
    page_deadline_s: float = 60.0
    settle_s: float = 5.0
    gap_s: float = 1.0
    digest_wait_s: float = 10.0
    digest_every_s: float = 300.0
    bundle_above: int = 8
