"""How many questions a page asks of the database: each costs the one process that all people's pages come from."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, event

from tests.served import Browser


@pytest.fixture
def asked(engine: Engine) -> Iterator[list[str]]:
    """Every statement that is sent."""
    found: list[str] = []

    def hear(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        found.append(statement)

    event.listen(engine, "before_cursor_execute", hear)
    yield found
    event.remove(engine, "before_cursor_execute", hear)


@pytest.mark.parametrize(("page", "most"), [("/cases/1", 29), ("/cases/7", 25), ("/queue", 12)])
def test_a_page_asks_few_questions(amira: Browser, asked: list[str], page: str, most: int) -> None:
    asked.clear()
    amira.get("/banners")
    alone = len(asked)  # what is wrong is asked for all pages alike, and remembered on a desk in use
    asked.clear()
    assert amira.get(page).status_code == 200
    assert len(asked) - alone <= most, "\n".join(asked)
