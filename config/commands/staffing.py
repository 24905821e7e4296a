"""Accounts from the terminal: who works here, what they may do, and how they get in. All of it is logged."""

import getpass
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlmodel import Session, col, select

from config.cli import Complaint
from config.database import open_database
from config.settings import Settings, read_settings
from config.slack import slack_in
from responders.slack import SlackError
from triage import people
from triage.log import Line, note
from triage.records import Desk, Person, Role

app = typer.Typer()
staff = typer.Typer(help="Accounts and their roles, sign-in links and passwords.")
app.add_typer(staff, name="people")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Username = Annotated[str, typer.Argument(help="The user name.")]
Roles = Annotated[list[Role] | None, typer.Option("--role", help="Repeat it for several.")]


@contextmanager
def _opened() -> Iterator[Session]:
    with open_database(read_settings()) as engine, Session(engine, expire_on_commit=False) as session:
        yield session


def _at_the_terminal() -> str:
    """Who the log names: the account on this machine that ran the command."""
    return f"terminal, {getpass.getuser()}"


def _known(session: Session, username: str) -> Person:
    found = people.find_person(session, username)
    if found is None:
        raise Complaint(f"there is nobody called {username!r}; `goldenhour people list` names everybody")
    return found


@staff.command("list")
def list_people(as_json: AsJson = False) -> None:
    """List everybody with their roles and desks."""
    with _opened() as session:
        found = session.exec(select(Person).order_by(col(Person.username))).all()
    if as_json:
        print(json.dumps([_as_json(each) for each in found]))
        return
    table = Table("user name", "name", "roles", "desks", "Slack", "state", box=None)
    for each in found:
        state = "disabled" if each.disabled_at else "open" if each.password_hash else "open, no password yet"
        table.add_row(
            each.username,
            Text(each.name),
            ", ".join(each.roles) or "none",
            ", ".join(each.desks),
            each.slack_user or "not linked",
            state,
        )
    Console().print(table)


@staff.command("add")
def add(
    username: Username,
    name: Annotated[str, typer.Option("--name", help="As colleagues know them.")],
    role: Roles = None,
    desk: Annotated[list[Desk] | None, typer.Option("--desk", help="Repeat it for several.")] = None,
    as_json: AsJson = False,
) -> None:
    """Open an account. It has no password yet: `goldenhour people link` lets its owner in."""
    with _opened() as session:
        if people.find_person(session, username) is not None:
            raise Complaint(f"{username!r} is taken; choose another user name")
        made = people.create_person(
            session,
            username,
            name,
            desks=desk or (),
            roles=role or (),
            by=_at_the_terminal(),
            now=datetime.now(UTC),
        )
        session.commit()
    print(json.dumps(_as_json(made)) if as_json else f"{made.username} has an account: {_told(made)}")


@staff.command("roles")
def roles(username: Username, role: Roles = None, as_json: AsJson = False) -> None:
    """Give a person exactly these roles; without --role, none. Their browsers are signed out."""
    with _opened() as session:
        person = _known(session, username)
        people.set_roles(session, person, role or (), by=_at_the_terminal(), now=datetime.now(UTC))
        session.commit()
    print(json.dumps(_as_json(person)) if as_json else f"{person.username}: {_told(person)}")


@staff.command("disable")
def disable(username: Username) -> None:
    """Close an account at once: its browsers are signed out, its links stop working."""
    with _opened() as session:
        people.disable(session, _known(session, username), by=_at_the_terminal(), now=datetime.now(UTC))
        session.commit()
    print(f"{username} is out, and cannot come back in")


@staff.command("link")
def link(username: Username) -> None:
    """Print a link that signs a person in once, within half an hour."""
    now, settings = datetime.now(UTC), read_settings()
    with _opened() as session:
        person = _known(session, username)
        if person.disabled_at is not None:
            raise Complaint(f"{username!r} is disabled; a link would let nobody in")
        token = people.make_link(session, person, now=now)
        detail = {"person": str(person.id)}
        note(session, [Line("sign-in link made", detail=detail)], who=_at_the_terminal(), now=now)
        session.commit()
    print(f"{settings.address}/sign-in/{token}")


@staff.command("password")
def password(username: Username) -> None:
    """Set a password, asked for twice and not shown. The person's browsers are signed out."""
    new = str(typer.prompt("New password", hide_input=True, confirmation_prompt=True))
    with _opened() as session:
        person = _known(session, username)
        if weak := people.too_weak(new, person.username):
            raise Complaint(f"{weak}; the password was not changed")
        people.set_password(session, person, new, by=_at_the_terminal(), now=datetime.now(UTC))
        session.commit()
    print(f"{username} has a new password; other browsers are signed out")


@staff.command("slack")
def slack(
    username: Username,
    user: Annotated[str | None, typer.Argument(help="The Slack user's id, such as U0123ABCD.")] = None,
    email: Annotated[
        str | None, typer.Option("--email", help="Look the id up in Slack by a work e-mail address.")
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Take the link back.")] = False,
) -> None:
    """Say which Slack user somebody is, so that what they press in Slack counts as theirs."""
    if sum(each is not None for each in (user, email)) + remove != 1:
        raise typer.BadParameter("give one of: the user's id, --email, --remove")
    settings = read_settings()
    found = user or (_user_by(settings, email) if email else None)
    with _opened() as session:
        person = _known(session, username)
        try:
            people.link_slack(session, person, found, by=_at_the_terminal(), now=datetime.now(UTC))
        except ValueError as error:
            raise Complaint(f"{error}; nothing was changed") from error
        session.commit()
    print(f"{username} is {found} in Slack" if found else f"{username} is nobody in Slack any more")


def _user_by(settings: Settings, email: str) -> str:
    workspace = slack_in(settings)
    if workspace is None:
        raise Complaint("no token for Slack is set (GOLDENHOUR_SLACK__TOKEN); give the user's id instead")
    try:
        found = workspace.find_user(email)
    except SlackError as error:
        raise Complaint(str(error)) from error
    if found is None:
        raise Complaint("nobody in the Slack workspace has this e-mail address")
    return found


def _told(person: Person) -> str:
    return ", ".join(person.roles) if person.roles else "no roles, so nothing but the own account"


def _as_json(person: Person) -> dict[str, Any]:
    shown = {"username", "name", "roles", "desks", "slack_user", "created_at", "disabled_at"}
    return person.model_dump(mode="json", include=shown)
