"""What the classifier can be set to."""

from collector.settings import Section


class ClassifierSettings(Section):
    """`model` names a folder; empty means the model that ships with Golden Hour. `read_twice` is the share of a
    batch that the encoder may read after the gate, the likeliest first; less while `flood` posts or more wait."""

    model: str = ""
    read_twice: float = 1.0
    read_twice_in_a_flood: float = 0.005
    flood: int = 500
    batch: int = 128
