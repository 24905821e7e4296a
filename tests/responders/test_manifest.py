"""The manifest that operators make the app from asks for what the app uses, and nothing else."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from responders.slack import SCOPES
from responders.slack_door import ACTIONS, COMMANDS, EVENTS

ROOT = Path(__file__).resolve().parents[2]
NEEDED = {
    "chat_postMessage": {"chat:write"},
    "chat_update": {"chat:write"},
    "chat_postEphemeral": {"chat:write"},
    "conversations_history": {"channels:history", "groups:history", "im:history"},
    "conversations_replies": {"channels:history", "groups:history"},
    "conversations_list": {"channels:read", "groups:read"},
    "conversations_open": {"im:write"},
    "users_lookupByEmail": {"users:read", "users:read.email"},
    "views_open": set[str](),
    "views_publish": set[str](),
    "auth_test": set[str](),
}


def manifest() -> dict[str, Any]:
    read: dict[str, Any] = json.loads((ROOT / "docs" / "slack-manifest.json").read_text(encoding="utf-8"))
    return read


def test_it_asks_for_the_scopes_of_the_methods_that_are_called() -> None:
    called = set(
        re.findall(r"_web\.([a-z]+_[A-Za-z]+)\(", (ROOT / "responders/slack.py").read_text(encoding="utf-8"))
    )
    assert called == set(NEEDED)
    wanted = {"commands"}.union(*(NEEDED[method] for method in called))
    assert set(manifest()["oauth_config"]["scopes"]["bot"]) == wanted == SCOPES


def test_its_addresses_are_those_of_the_door() -> None:
    settings, features = manifest()["settings"], manifest()["features"]
    [command] = features["slash_commands"]
    assert command["command"] == "/goldenhour"
    assert urlsplit(command["url"]).path == COMMANDS
    assert urlsplit(settings["interactivity"]["request_url"]).path == ACTIONS
    assert urlsplit(settings["event_subscriptions"]["request_url"]).path == EVENTS
    assert settings["event_subscriptions"]["bot_events"] == ["app_home_opened"]
    assert features["app_home"]["home_tab_enabled"]


def test_people_can_be_paged_by_direct_message() -> None:
    """Without the tab Slack refuses each with `messages_tab_disabled`."""
    assert manifest()["features"]["app_home"]["messages_tab_enabled"]
