"""What the classifier can be set to."""

from collector.settings import Section


class ClassifierSettings(Section):
    """`model` names a folder; empty means the model that ships with Golden Hour. `read_twice` is the share of a
    stream that the encoder may read after the gate, the likeliest first."""

    model: str = ""
    read_twice: float = 0.1
    batch: int = 128
