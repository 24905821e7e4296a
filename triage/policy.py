"""A policy: what people who answer for it approved, in a file that is read and checked as a whole."""

import tomllib
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

P = TypeVar("P", bound=BaseModel)


def read_policy(kind: type[P], path: Path) -> P:
    """The policy of one kind in a file. Raises ValueError naming file, key and reason."""
    try:
        return kind.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"{path}: key {key or '-'}: {first['msg']}") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"{path}: {error}") from error
