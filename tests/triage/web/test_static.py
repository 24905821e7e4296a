"""What is shipped to browsers: nothing that only GOV.UK may use, and each file with its licence."""

from pathlib import Path

import triage.web.app as app

VENDORED = app.STATIC / "vendor"


def test_nothing_of_gds_transport_or_the_crest_is_shipped() -> None:
    for path in app.STATIC.rglob("*.css"):
        css = path.read_text(encoding="utf-8").lower()
        for forbidden in ("gds transport", "@font-face", "crest", "url("):
            assert forbidden not in css, f"{path.name}: {forbidden}"
    assert not [path for path in app.STATIC.rglob("*") if path.suffix in (".woff", ".woff2", ".png", ".ico")]


def test_no_page_has_inline_script_style_or_handlers() -> None:
    for path in (Path(app.__file__).parent / "templates").glob("*.html"):
        page = path.read_text(encoding="utf-8")
        for forbidden in (
            " style=",
            "<style",
            " onclick=",
            " onload=",
            "javascript:",
            "hx-on",
            "|safe",
            "crown",
        ):
            assert forbidden not in page, f"{path.name}: {forbidden}"
        assert page.count("<script") == page.count("<script src=")


def test_each_file_of_others_has_its_licence() -> None:
    said = (VENDORED / "README.md").read_text(encoding="utf-8")
    for path in VENDORED.glob("*.min.*"):
        assert f"`{path.name}`" in said
    for licence in ("govuk-frontend-LICENSE.txt", "htmx-LICENSE.txt"):
        assert licence in said
        assert (VENDORED / licence).exists()
