"""The words in which a year of synthetic records is written: made up for it, of nobody and of nothing that happened."""

from typing import NamedTuple

from classifier.records import IncidentType
from triage.claim_records import AnswerState


class Told(NamedTuple):
    """What a record says in one field of a case sheet."""

    choices: tuple[str, ...]
    words: str
    source: str


class Kinds(NamedTuple):
    """What may be recorded of a kind of encounter, and by which labels posts speak of it."""

    recorded: tuple[str, ...]
    said: tuple[str, ...]


class Release(NamedTuple):
    """What a decision on body-worn video says."""

    necessity: str
    proportionality: str
    why: str
    refused: str


NO_FORCE = "No force recorded"
_FORCE = Kinds(
    (
        "Handcuffs", "Ground restraint", "Limb or body restraint", "Strikes with hands or feet",
        "Irritant spray (PAVA/CS)", "CED (Taser)", "Pressure point and joint lock", "Push (not in the list)",
    ),
    ("handcuffs", "ground_restraint", "strikes", "ced_drawn", "irritant_spray"),
)  # fmt: skip
TACTICS = {
    IncidentType.STOP_SEARCH: Kinds(
        ("Handcuffs", NO_FORCE, "Limb or body restraint"), ("handcuffs", "ground_restraint")
    ),
    IncidentType.USE_OF_FORCE: _FORCE,
    IncidentType.ARREST_DETENTION: Kinds(("Handcuffs", "Ground restraint"), ("handcuffs", "ground_restraint")),
    IncidentType.OTHER_ENCOUNTER: Kinds((NO_FORCE, "Push (not in the list)"), ("push",)),
    IncidentType.PURSUIT_COLLISION: Kinds(("Vehicle contact (not in the list)", "Handcuffs"), ("vehicle_contact",)),
    IncidentType.DEATH_OR_FIREARMS: Kinds(("Firearms", "CED (Taser)", "Dog"), ("firearm_aimed", "ced_fired")),
}  # fmt: skip
POWERS = {
    IncidentType.STOP_SEARCH: Kinds(
        ("PACE 1984 s1", "MDA 1971 s23", "MDA 1971 s23", "CJPOA 1994 s60"), ("PACE_S1", "MDA_S23", "S60")
    ),
    IncidentType.USE_OF_FORCE: Kinds(("CLA 1967 s3", "PACE 1984 s117", "Common law"), ("ARREST_S24",)),
    IncidentType.ARREST_DETENTION: Kinds(("PACE 1984 s24 arrest", "MHA 1983 s136"), ("ARREST_S24", "MHA_S136")),
    IncidentType.OTHER_ENCOUNTER: Kinds(("None recorded", "Common law"), ("DISPERSAL",)),
    IncidentType.PURSUIT_COLLISION: Kinds(("RTA 1988 s163",), ("RTA_S163",)),
    IncidentType.DEATH_OR_FIREARMS: Kinds(("CLA 1967 s3",), ("ENTRY",)),
}  # fmt: skip
_ALLEGED = (
    "excessive_force", "no_grounds", "rudeness", "racial_profiling", "refused_id", "bwv_off", "wrongful_arrest",
)  # fmt: skip
ALLEGED = tuple(f"allegation:{each}" for each in _ALLEGED)
FORCE_SAID = ("restrained", "handcuffed", "on the ground", "pinned", "punched", "pava", "spit hood", "baton")
REASONS = (
    "Protect officers", "Protect the public", "Protect the subject", "Effect search", "Effect arrest", "Prevent escape",
)  # fmt: skip
HURT = {"None recorded": 60, "Person: minor": 24, "Officer: minor": 8, "Not known yet": 8}
STANDS = {"None known": 80, "DPS assessing": 8, "Ended": 12}
ACCOUNTS = {"Given": 84, "Asked for": 10, "Not given": 6}
COMPLAINTS = {"None known": 70, "Made to the force": 26, "Withdrawn": 4}
HEARD_AT = ("Ward panel meeting", "E-mail to the BCU", "Local panel")
OUTCOME = ("No further action", "Released", "Arrested", "Community resolution or penalty notice", "Charged")
UNITS = (
    "Emergency response team",
    "Neighbourhood team",
    "Violence suppression unit",
    "Roads and transport policing",
)
CONCERNS = (
    "“They never said why they stopped him. Ten minutes in, still no reason.”",
    "“Four of them for one boy with a school bag. That is what everybody saw.”",
    "“She was talking to them calmly and they would not talk back.”",
    "“We do not say it was unlawful. We say that nobody explained anything.”",
    "“He was already in handcuffs. What was the spray for?”",
    "“This is the third time at the same bus stop since spring.”",
)
PRACTICE = (
    "Account given on the second day: the search was explained once, and not again when a crowd had come.",
    "Account given on the first day: force was used after two warnings.",
    "Account given on the fourth day, after a reminder: the form was filled in late and was put right.",
)
CONTACT = (
    "The engagement lead spoke with the family on the second day; they want the recording watched.",
    "A letter was sent on the third day; no answer yet.",
    "The inspector met the person with an advocate on the fifth day; they want an explanation.",
)
POLICY = (
    "Is a second explanation expected when a bystander asks and the person does not?",
    "When does a search of a group begin for each of those in it?",
    "Should spray be drawn at all inside a bus?",
    "Who speaks to those who film, and what may they be told?",
)
WENT_WELL = (
    "One officer stepped out of the ring and spoke with those who were filming.",
    "Handcuffs came off as soon as the search had ended.",
    "The sergeant came within ten minutes and took over the talking.",
    "An interpreter was on the telephone before the search began.",
)
ASKED = (
    "Whether more talking would have avoided force, and what the team should be told.",
    "Whether the way it was explained should be part of the next training day.",
    "Whether guidance needs a sentence on this, and who writes it.",
)
PANEL_WORDS = {
    "community_concern": "People felt that nothing was explained to them.",
    "policy_questions": "How often a search should be explained.",
    "went_well": "Somebody took the time to talk with bystanders.",
    "asked": "Whether more talking would have helped.",
}
QUESTIONS = (
    "Why were so many officers there?", "Was the person hurt?", "Will the body-worn video be shown?",
    "Was this a search, and under which power?",
)  # fmt: skip
ANSWERED = {
    AnswerState.ANSWERED: "Answered in the line, and on the telephone to those who asked.",
    AnswerState.CANNOT_SAY: "Not while the account is being checked; said so, with the reason.",
}
# option, title, why, and whether people must have decided that the claim is false
CHOSEN = (
    ("monitor", "Monitor only", "It is small and slowing; an answer would carry it further", False),
    ("qa_line", "Q&A line, if asked", "News desks ask; the answer is ready for them alone", False),
    ("brief_partners", "Brief partners and the IAG", "Partners are asked about it and need an answer", False),
    ("local_correction", "Local correction", "It is believed in one ward, and the BCU is heard there", True),
    ("central_correction", "Central correction", "It has left the borough", True),
)
REFUSED = (
    ("not_necessary", "A line in words is enough"),
    ("data_protection", "Data protection"),
    ("proceedings", "Proceedings are active"),
    ("wishes", "Those in it do not wish it"),
)
RELEASED = Release(
    "The short clip leaves out how it began",
    "A minute with faces hidden shows what is missing and no more",
    "What people have seen is not the whole encounter, and words had not settled it",
    "What is asked can be said in a line; those in the recording would be known by it",
)
