"""What each process loads: the parts that read no posts do without what reads them."""

import subprocess
import sys

READ_NOTHING = (
    "config.parts.web",
    "config.parts.schedule",
    "config.queues.claims",
    "config.queues.collect",
    "config.queues.look",
    "config.queues.respond",
    "config.queues.route",
)


def test_spacy_is_loaded_by_the_part_that_assesses_and_by_no_other() -> None:
    said = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys, {', '.join(READ_NOTHING)}\nprint('spacy' in sys.modules)\n"
            "import config.queues.assess\nprint('spacy' in sys.modules)",
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert said.stdout.split() == ["False", "True"]
