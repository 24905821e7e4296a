"""What triage and the desk can be set to."""

from collector.settings import Section


class TriageSettings(Section):
    """A post joins a case by itself from `join_above` on, is suggested from `suggest_above` on, and only
    suggested when the case was last told of more than `window_days` ago (triage/similarity.py says how likely).
    """

    claim_minutes: int = 20
    join_above: float = 0.45
    suggest_above: float = 0.25
    window_days: int = 14


class WebSettings(Section):
    """Where the desk listens. `base_url` is the address people reach it at, when that is another one."""

    host: str = "127.0.0.1"
    port: int = 8000
    base_url: str = ""
    session_hours: int = 12
    idle_minutes: int = 60
    secure_cookies: bool = False
