"""The standing questions: what is asked of every encounter, with an answer, "not yet" and "cannot say" ready for each.

`config/statements/questions.toml` holds them; a template may say some otherwise under `[questions.<name>]`.
"""

import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

Words = Annotated[str, Field(max_length=500)]


class StandingError(ValueError):
    """The questions cannot be used; the message names file, key and reason."""


class Answers(BaseModel):
    """Other words for one template; what is empty stays as it was."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    answer: Words = ""
    needs: tuple[str, ...] = ()
    not_yet: Words = ""
    cannot_say: Words = ""


class StandingQuestion(BaseModel):
    """One question. The answer is given only once the facts it `needs` are verified."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z][a-z_]{1,39}$")]
    asks: Annotated[str, Field(min_length=5, max_length=120)]
    answer: Words
    needs: tuple[str, ...] = Field(min_length=1)
    not_yet: Words
    cannot_say: Words

    def said(self, otherwise: Answers | None) -> "StandingQuestion":
        """The question with a template's own words where it has some."""
        if otherwise is None:
            return self
        given = {key: value for key, value in otherwise.model_dump().items() if value}
        return self.model_copy(update=given)


def read_standing(path: Path) -> tuple[StandingQuestion, ...]:
    """The questions in their order. Raises StandingError naming file, key and reason."""
    try:
        whole = tomllib.loads(path.read_text(encoding="utf-8"))
        questions = tuple(StandingQuestion.model_validate(each) for each in whole.pop("question", []))
    except ValidationError as error:
        first = error.errors()[0]
        raise StandingError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    except (OSError, ValueError) as error:
        raise StandingError(f"{path}: {error}") from error
    names = [each.name for each in questions]
    if whole or not questions or len(set(names)) != len(names):
        raise StandingError(f"{path}: only [[question]] tables belong here, each with a name of its own")
    return questions
