"""Takes pictures of every page of the desk: `make screenshots` writes them to var/screenshots, one sheet a page.

Four widths, light, dark and forced colours, with nothing, a few cases, a busy night and a flood.
"""

import argparse
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Page, sync_playwright
from sqlmodel import Session, update

from config.database import migrate
from config.postgres import Cluster, stop
from config.settings import Settings
from tests.browser.conftest import ARGS, sign_in
from tests.browser.scenes import SCENES, policies, set_scene
from tests.browser.shown import addresses
from tests.make import LIFECYCLE
from tests.served import fresh_database, serve
from triage.policies import Policies
from triage.records import Heartbeat
from triage.settings import WebSettings
from triage.web.app import desk

WIDTHS = (375, 768, 1440, 2560)
MANNERS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "forced": {"forced_colors": "active", "contrast": "more"},
}
TALLEST = 4_000
THUMB = 360
# looked at signed out
OUTSIDE = ("/sign-in", "/sign-in/nothing", "/tip", "/tip/sent/nothing", "/transparency")


class Scene(NamedTuple):
    """One served desk. `where` are the addresses to look at."""

    name: str
    base: str
    where: list[str]


def name_of(address: str) -> str:
    return re.sub(r"[0-9a-f-]{36}", "x", re.sub(r"[^A-Za-z0-9-]+", "_", address.strip("/"))) or "home"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("var/screenshots"))
    parser.add_argument("--scene", choices=SCENES, action="append")
    parser.add_argument("--only", default="", help="part of the addresses to look at")
    parser.add_argument("--width", type=int, choices=WIDTHS, action="append")
    parser.add_argument("--manner", choices=MANNERS, action="append")
    parser.add_argument(
        "--on", action="store_true", help="keep the pictures that are there: go on where it stopped"
    )
    asked = parser.parse_args()
    with TemporaryDirectory(prefix="goldenhour-photos-") as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGS)
        cluster = Cluster(Path(folder) / "postgres", "only-for-photos")
        server = cluster.start()
        try:
            migrate(Settings(data=Path(folder), database_url=cluster.url_of("goldenhour")))
            for name in asked.scene or SCENES:
                for scene in served(cluster, name, Path(folder)):
                    taken = photograph(browser, scene, asked)
                    print(f"{scene.name}: {taken} pictures in {asked.out / scene.name}")
        finally:
            browser.close()
            stop(cluster.running_pid() or server.pid)
            server.wait()


def served(cluster: Cluster, name: str, folder: Path) -> Iterator[Scene]:
    now = datetime.now(UTC)
    with fresh_database(cluster) as engine:
        with Session(engine, expire_on_commit=False) as session:
            amira, _ = set_scene(session, SCENES[name], now=now)
            session.execute(update(Heartbeat).values(beat_at=now + timedelta(hours=2)))  # it takes a while
            session.commit()
            given, post, reveal = (
                policies(session, folder / name, amira, now=now) if SCENES[name] else (Policies(), None, None)
            )
        app = desk(
            engine,
            WebSettings(),
            channels=["slack"] if SCENES[name] else [],
            lifecycle=LIFECYCLE,
            policies=given,
        )
        with serve(app) as base:
            yield Scene(name, base, addresses(post, reveal))


def photograph(browser: Browser, scene: Scene, asked: argparse.Namespace) -> int:
    """Every address in every width and manner; then one sheet for each address."""
    folder: Path = asked.out / scene.name
    folder.mkdir(parents=True, exist_ok=True)
    where = [each for each in scene.where if asked.only in each]
    taken: dict[str, list[Path]] = {name_of(each): [] for each in where}
    for manner in asked.manner or MANNERS:
        context = browser.new_context(viewport={"width": 1440, "height": 900}, **MANNERS[manner])
        page = context.new_page()
        outside = [each for each in where if each in OUTSIDE]
        for address in [*outside, "", *(each for each in where if each not in OUTSIDE)]:
            if not address:
                sign_in(page, scene.base)
                continue
            for width in asked.width or WIDTHS:
                path = folder / f"{name_of(address)}-{width}-{manner}.png"
                if not (asked.on and path.exists()):
                    page.set_viewport_size({"width": width, "height": 900})
                    page.goto(f"{scene.base}{address}")
                    take(page, width, path)
                taken[name_of(address)].append(path)
        context.close()
    for name, paths in taken.items():
        sheet(paths).save(folder / f"sheet-{name}.png")
    return sum(map(len, taken.values()))


def take(page: Page, width: int, path: Path) -> None:
    """The whole page, up to a height that can still be looked at."""
    tall: int = page.evaluate("document.documentElement.scrollHeight")
    page.screenshot(
        path=path, full_page=True, clip={"x": 0, "y": 0, "width": width, "height": min(tall, TALLEST)}
    )


def sheet(paths: list[Path]) -> Image.Image:
    """All pictures of one page beside each other, small."""
    small = []
    for path in paths:
        with Image.open(path) as picture:
            small.append(
                picture.convert("RGB").resize((THUMB, max(picture.height * THUMB // picture.width, 1)))
            )
    made = Image.new(
        "RGB", (THUMB * len(small) + 4 * len(small), 24 + max(each.height for each in small)), "white"
    )
    drawn = ImageDraw.Draw(made)
    for at, (path, shown) in enumerate(zip(paths, small, strict=True)):
        drawn.text(
            (at * (THUMB + 4) + 4, 4),
            path.stem.rsplit("-", 2)[-2] + " " + path.stem.rsplit("-", 1)[-1],
            "black",
        )
        made.paste(shown, (at * (THUMB + 4), 24))
    return made


if __name__ == "__main__":
    main()
