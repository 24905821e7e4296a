"""Adds up test reports: `python -m tests.tally REPORT.xml...` prints one line, and what was skipped and why.

With NO_SKIPS set in the environment a skipped test is a failure: CI has all that the tests need.
"""

import os
import sys
from collections import Counter
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError, parse


def tally(reports: list[Path], *, skips_allowed: bool) -> tuple[list[str], bool]:
    """The lines to print, the sum last; and whether all is well. A report that is missing is not."""
    lines, counts = [], Counter[str]()
    for report in reports:
        try:
            cases = list(parse(report).getroot().iter("testcase"))
        except (OSError, ParseError):
            lines.append(f"{report.name}: this test run broke off before it wrote its report")
            counts["failed"] += 1
            continue
        if not cases:
            lines.append(f"{report.name}: no test ran")
            counts["failed"] += 1
        for case in cases:
            outcome = outcome_of(case)
            counts[outcome] += 1
            skipped = case.find("skipped")
            if skipped is not None:
                lines.append(f"skipped: {case.get('classname')}.{case.get('name')}: {skipped.get('message')}")
    if counts["skipped"] and not skips_allowed:
        lines.append(f"{counts['skipped']} skipped tests count as failed here: CI has all they need")
        counts["failed"] += counts.pop("skipped")
    said = f"{counts['passed']} passed, {counts['failed']} failed"
    if counts["skipped"]:
        said += f", {counts['skipped']} skipped"
    return [*lines, said], counts["failed"] == 0


def outcome_of(case: Element) -> str:
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    return "skipped" if case.find("skipped") is not None else "passed"


if __name__ == "__main__":
    said, well = tally([Path(name) for name in sys.argv[1:]], skips_allowed=not os.environ.get("NO_SKIPS"))
    print("\n".join(said))
    sys.exit(not well)
