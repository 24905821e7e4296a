"""What the responders can be set to."""

from pydantic import SecretStr

from collector.settings import Section


class SlackSettings(Section):
    """Slack is used when `token` is set; `app_token` adds Socket Mode, `signing_secret` the signed address."""

    token: SecretStr | None = None
    app_token: SecretStr | None = None
    signing_secret: SecretStr | None = None
    base_url: str = "https://slack.com/api/"
    timeout_s: float = 10.0
    page_deadline_s: float = 60.0
