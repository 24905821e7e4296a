"""What the classifier can be set to."""

from collector.settings import Section


class ClassifierSettings(Section):
    """`model` names a folder; empty means the model that ships with Golden Hour."""

    model: str = ""
    batch: int = 128
