"""The command around claims: which known claims posts repeat."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from sqlmodel import Session

from classifier.claims import AT_ONCE, Claim, Claims
from classifier.training import claims as learning
from classifier.versions import SHIPPED
from config.cli import Complaint
from config.database import open_database
from config.lines import batches, records
from config.settings import Settings, read_settings
from triage.claim_matching import looked_for

app = typer.Typer()

VOCABULARY = "goldenhour_encoder/vocabulary.txt"


class Post(msgspec.Struct):
    """One line in. Other keys are welcome and ignored."""

    id: Any
    text: str


@app.callback()
def root() -> None:
    """The command around claims."""


@app.command("claims")
def claims(
    against: Annotated[
        Path | None, typer.Option(help='Known claims, a JSON line each: {"id", "text", "title"}.')
    ] = None,
    known: Annotated[bool, typer.Option("--known", help="Against the service's own known claims.")] = False,
    top: Annotated[int, typer.Option(min=1, max=100, help="How many claims a post.")] = 5,
    measure: Annotated[Path | None, typer.Option(metavar="DATA", help="Only measure, on DATA/match.")] = None,
    learn: Annotated[
        Path | None, typer.Option(metavar="DATA", help="Only learn the scale, from DATA/match.")
    ] = None,
    tuned: Annotated[Path, typer.Option(help="Where the tuned encoders are, for --learn.")] = Path(
        "build/sentences"
    ),
) -> None:
    """Say which known claims posts repeat: JSON lines {"id", "text"} on stdin, the likeliest claims of each on stdout.

    It says that a post makes a claim, not that the claim is false. Needs no database but for --known. A line that
    cannot be read is named on stderr and skipped; then the exit code is 1.
    """
    settings = read_settings()
    folder = model_folder(settings)
    if learn is not None:
        scale = learning.learn(learn, tuned, folder / VOCABULARY, say=_say)
        learning.keep(scale, folder / "claims" / "scale.json")
        learning.keep(scale | {"measured": learning.measure(learn, folder)}, folder / "claims" / "scale.json")
        print(f"the scale of {scale['posts']} posts is in {folder / 'claims'}")
    elif measure is not None:
        print(json.dumps(learning.measure(measure, folder)))
    elif against is not None:
        _answer(known_claims(against), folder, top)
    elif known:
        with open_database(settings, pool=1) as engine, Session(engine) as session:
            ours = [Claim(f"C-{each.number}", each.text, each.title) for each in looked_for(session)]
        _answer(ours, folder, top)
    else:
        raise typer.BadParameter("name the known claims: --against FILE, or --known")


def known_claims(path: Path) -> list[Claim]:
    """The claims of a file. Raises Complaint naming the file, and what is wrong with it."""
    try:
        with path.open("rb") as file:
            read = list(records(file, Claim, f"{path}, "))
    except OSError as error:
        raise Complaint(
            f"{path}: {error.strerror}; name a file of JSON lines with id, text and title"
        ) from error
    if None in read:
        raise Complaint(f"{path}: {read.count(None)} lines are no claims; each needs an id and a text")
    return [each for each in read if each is not None]


def model_folder(settings: Settings) -> Path:
    """Where the model in use is kept."""
    return Path(settings.classifier.model) if settings.classifier.model else SHIPPED


def _answer(known: list[Claim], folder: Path, top: int) -> None:
    library = Claims.of(known, folder)
    bad, encoder, out = 0, msgspec.json.Encoder(), sys.stdout.buffer
    for batch in batches(sys.stdin.buffer, Post, AT_ONCE):
        posts = [each for each in batch if each is not None]
        bad += len(batch) - len(posts)
        for post, matches in zip(posts, library.nearest([each.text for each in posts], top), strict=True):
            told = [{"claim": each.claim, "score": each.score, "because": each.because} for each in matches]
            out.write(encoder.encode({"id": post.id, "matches": told}) + b"\n")
        out.flush()
    if bad:
        raise Complaint(f"{bad} lines were not JSON objects with id and text; they were skipped")


def _say(what: str) -> None:
    print(what, file=sys.stderr)
