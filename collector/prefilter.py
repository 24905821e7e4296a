"""The prefilter: which posts could be about police and an encounter. The rest is counted and never stored.

It must not lose an incident, so it lets in generously; the model decides later. The words stand in
`config/lexicons/prefilter*.toml`: a rule lets a post in by one of its words, or, where it says `with`,
only when a word of one of those lists stands in the same post.
"""

import tomllib
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import msgspec
from ahocorasick_rs import BytesAhoCorasick, Implementation

from collector.folding import fold, fold_plainly


class LexiconError(ValueError):
    """A lexicon file is wrong; the message names file, key and reason."""


class _Words(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A list of words in a file. `*` at an end of a word stands for any letters there.

    `misspelt` adds the usual slips (a letter doubled, dropped or swapped), `spaced` adds p.o.l.i.c.e.
    """

    name: str
    words: list[str]
    misspelt: bool = False
    spaced: bool = False
    but: list[str] = []


class _Rule(_Words, kw_only=True):
    with_: list[str] = msgspec.field(name="with", default=[])


class _File(msgspec.Struct, forbid_unknown_fields=True):
    rule: list[_Rule] = []
    context: list[_Words] = []


class _Entry(NamedTuple):
    rule: str
    needs: int  # bits of the lists of which one must also be there; 0 when the word is enough


_Hit = tuple[int, int, int]  # which pattern, and where it starts and ends


class Prefilter:
    """Built once, then only read. Not costly to build: a few milliseconds.

    `sample` is how many of the items that it refuses on a day are kept for a person to look at.
    """

    def __init__(
        self, rules: Sequence[tuple[str, list[bytes], int]], lists: Sequence[list[bytes]], *, sample: int = 0
    ) -> None:
        """`rules` are (name, patterns, bits of the lists needed); bit n stands for `lists[n]`."""
        self.sample = sample
        firsts = [(pattern, _Entry(name, needs)) for name, patterns, needs in rules for pattern in patterns]
        self._entries = [entry for _, entry in firsts]
        self._search = _automaton([pattern for pattern, _ in firsts])
        seconds = [(pattern, 1 << bit) for bit, patterns in enumerate(lists) for pattern in patterns]
        self._bits = [bit for _, bit in seconds]
        self._context = _automaton([pattern for pattern, _ in seconds])
        self.fingerprint = sha256(repr((rules, lists)).encode()).digest()  # differs when any word does

    @classmethod
    def of(cls, lexicon_files: Iterable[Path], *, sample: int = 0) -> "Prefilter":
        """From lexicon files. Raises LexiconError naming file, key and reason."""
        read = [(path, _read(path)) for path in lexicon_files]
        lists: dict[str, list[bytes]] = {}
        for _, file in read:
            for each in file.context:
                lists.setdefault(each.name, []).extend(_patterns(each))
        bits = {name: 1 << bit for bit, name in enumerate(lists)}
        rules = [
            (rule.name, _patterns(rule), _needed(path, rule, bits))
            for path, file in read
            for rule in file.rule
        ]
        if not rules:
            raise LexiconError("no lexicon has a [[rule]]: the prefilter would let nothing in")
        return cls(rules, list(lists.values()), sample=sample)

    def lets_in(self, texts: Sequence[str]) -> list[str | None]:
        """For each text, in order, the name of the rule that lets it in, or None."""
        search, decide = self._search.find_matches_as_indexes, self._decide
        decided: list[str | None] = []
        for text in texts:
            folded = fold(text)
            found = search(folded, overlapping=True)
            decided.append(decide(folded, found) if found else None)
        return decided

    def _decide(self, folded: bytes, found: Sequence[_Hit]) -> str | None:
        entries = [self._entries[hit[0]] for hit in found]
        for entry in entries:
            if not entry.needs:
                return entry.rule
        around = self._context.find_matches_as_indexes(folded, overlapping=True)
        for entry, hit in zip(entries, found, strict=True):
            if any(entry.needs & self._bits[other[0]] and _apart(hit, other) for other in around):
                return entry.rule
        return None


def _apart(one: _Hit, other: _Hit) -> bool:
    """Whether two hits share no letter: a word is not its own context. Spaces at their ends may be shared."""
    return one[2] - 1 <= other[1] or other[2] - 1 <= one[1]


def _automaton(patterns: list[bytes]) -> BytesAhoCorasick:
    return BytesAhoCorasick(patterns, implementation=Implementation.ContiguousNFA)


def _read(path: Path) -> _File:
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _File)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise LexiconError(f"{path}: {error}") from error


def _needed(path: Path, rule: _Rule, bits: dict[str, int]) -> int:
    needed = 0
    for name in rule.with_:
        if name not in bits:
            known = ", ".join(sorted(bits)) or "none"
            raise LexiconError(
                f"{path}: rule {rule.name!r}: with: no context is called {name!r} (known: {known})"
            )
        needed |= bits[name]
    return needed


def _patterns(words: _Words) -> list[bytes]:
    kept = {fold_plainly(each) for each in words.but}
    return sorted({pattern for word in words.words for pattern in _of_word(words, word)} - kept)


def _of_word(words: _Words, word: str) -> Iterator[bytes]:
    bare = word.strip("*")
    folded = fold_plainly(bare).strip()
    if not folded:
        raise LexiconError(f"{words.name!r}: words: {word!r} holds no letter, digit or known sign")
    spelt = {folded.decode()}
    if words.misspelt:
        spelt |= set(_slips(folded.decode()))
    for each in spelt:
        yield _bounded(word, each.encode())
    if words.spaced and len(bare) > 2:
        yield _bounded(word, b" ".join(bytes([each]) for each in folded if each != 32))


def _bounded(word: str, folded: bytes) -> bytes:
    before = b"" if word.startswith("*") else b" "
    after = b"" if word.endswith("*") else b" "
    return before + folded + after


def _slips(word: str) -> Iterator[str]:
    """Usual slips in a word of five letters or more: a letter doubled, tripled, dropped, swapped, another vowel.

    The first letter stays, and the last is never dropped.
    """
    if len(word) < 5:
        return
    for at in range(1, len(word)):
        yield word[:at] + word[at] * 2 + word[at + 1 :]
        yield word[:at] + word[at] * 3 + word[at + 1 :]
        if at < len(word) - 1:
            yield word[:at] + word[at + 1 :]
            yield word[:at] + word[at + 1] + word[at] + word[at + 2 :]
            if word[at] in "aeiou":
                yield from (word[:at] + vowel + word[at + 1 :] for vowel in "aeiou")
