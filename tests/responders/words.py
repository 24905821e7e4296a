"""The templates, facts and questions that ship, read once for the tests."""

from config.settings import HERE
from responders.standing import read_standing
from responders.templates import read_templates
from triage.checking_facts import read_fact_kinds

FOLDER = HERE / "statements"
KINDS = read_fact_kinds(FOLDER / "facts.toml")
STANDING = read_standing(FOLDER / "questions.toml")
TEMPLATES = read_templates(sorted(FOLDER.glob("*.md")), KINDS, STANDING)
AWARE = TEMPLATES[0]
