"""What exercises can be set to."""

from pathlib import Path

from pydantic import SecretStr

from collector.settings import Section


class ExerciseSettings(Section):
    """Exercises have a folder and a database of their own, never the live ones. Left out, the folder is `exercise` in
    the data folder, and the database the one in it, or the live one's name with `_exercise` on the same server.
    """

    data: Path | None = None
    database_url: SecretStr | None = None
    port: int = 8010
