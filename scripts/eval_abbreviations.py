"""Score the sense given to abbreviations on the challenge set, beside the baseline "always the default sense".

    python scripts/eval_abbreviations.py                 # the starter lexicon
    python scripts/eval_abbreviations.py --show          # with the failing sentences
    python scripts/eval_abbreviations.py --half odd      # one half, by the parity of the number

A marked abbreviation of a coded sense is right if a mention on it has the sense's code, or if it is part of a longer
name ("inferior MI") whose concept's name holds all the words of the sense; `strict` does not count the latter. That
of an uncoded sense is right if no mention touches it.
"""

import argparse
import html
import re
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

from phenotext.nlp import Extractor, Mention
from phenotext.nlp.abbreviation_table import default_abbreviations
from phenotext.nlp.tokens import key_words

ROOT = Path(__file__).resolve().parent.parent
MARK = re.compile(r"<m>(.*?)</m>")


@dataclass(frozen=True, slots=True)
class Item:
    """One sentence, its marked abbreviations as half-open offsets, and the sense they have ("" where uncoded)."""

    id: str
    text: str
    spans: tuple[tuple[int, int], ...]
    abbreviation: str
    code: str
    name: str

    @property
    def half(self) -> str:
        return "odd" if int(self.id.split("-")[1]) % 2 else "even"


def read_items(path: Path) -> list[Item]:
    header, *lines = path.read_text(encoding="utf-8").splitlines()
    items: list[Item] = []
    for line in lines:
        row = dict(zip(header.split("\t"), line.split("\t")))
        text, spans = "", []
        for number, part in enumerate(MARK.split(row["text"].replace("\\n", "\n"))):
            part = html.unescape(part)
            if number % 2:
                spans.append((len(text), len(text) + len(part)))
            text += part
        abbreviation = html.unescape(row["abbreviation"])
        items.append(Item(row["id"], text, tuple(spans), abbreviation, row["sense_code"], row["sense_name"]))
    return items


def answers(extractor: Extractor, item: Item) -> list[list[Mention]]:
    """The mentions that touch each marked abbreviation."""
    note = extractor(item.text)
    return [[m for m in note.mentions if m.start < end and start < m.end] for start, end in item.spans]


def is_right(item: Item, found: list[list[Mention]], names: list[set[str]], strict: bool) -> bool:
    """`names` are the senses' names as sets of normalised words."""
    if not item.code:
        return not any(found)
    return all(
        any(
            mention.code == item.code
            or (
                not strict
                and mention.end - mention.start > end - start
                and any(name <= set(key_words(mention.preferred or "")) for name in names)
            )
            for mention in mentions
        )
        for mentions, (start, end) in zip(found, item.spans)
    )


def print_table(title: str, items: list[Item], right: dict[str, set[str]]) -> None:
    print(f"\n{title}: {len(items)} sentences")
    groups = {
        "all": items,
        "coded": [item for item in items if item.code],
        "uncoded": [item for item in items if not item.code],
    }
    print(f"{'':28}" + "".join(f"{name + f' ({len(group)})':>16}" for name, group in groups.items()))
    for system, ids in right.items():
        cells = (sum(item.id in ids for item in group) / max(len(group), 1) for group in groups.values())
        print(f"{system:28}" + "".join(f"{cell:16.3f}" for cell in cells))


def main() -> int:
    parser = argparse.ArgumentParser(description="Score the senses of abbreviations on the challenge set.")
    parser.add_argument("--items", type=Path, default=ROOT / "tests" / "data" / "challenge_abbreviations.tsv")
    parser.add_argument("--terminology", type=Path, help="compiled terminology; without it the starter lexicon")
    parser.add_argument("--half", choices=("even", "odd"), help="only this half, by the parity of the item number")
    parser.add_argument("--show", action="store_true", help="print the failing sentences")
    options = parser.parse_args()
    if not options.items.is_file():
        parser.error(f"no file {options.items}; give the challenge set with --items")
    items = read_items(options.items)
    extractor = Extractor.load(options.terminology) if options.terminology else Extractor()
    names: dict[str, list[set[str]]] = defaultdict(list)
    for sense in default_abbreviations():
        if sense.code:
            names[sense.code].append(set(key_words(sense.expansion)))
    default = {sense.abbreviation: sense.code for sense in default_abbreviations() if sense.priority == 1}
    right: dict[str, set[str]] = {"always the default sense": set(), "phenotext, strict": set(), "phenotext": set()}
    wrong: list[tuple[Item, list[list[Mention]]]] = []
    for item in items:
        if default.get(item.abbreviation, "") == item.code:
            right["always the default sense"].add(item.id)
        found = answers(extractor, item)
        for system in ("phenotext, strict", "phenotext"):
            if is_right(item, found, [*names[item.code], set(key_words(item.name))], system.endswith("strict")):
                right[system].add(item.id)
        if item.id not in right["phenotext"]:
            wrong.append((item, found))
    for half in ("even", "odd"):
        if options.half in (None, half):
            print_table(f"{half} numbers", [item for item in items if item.half == half], right)
    if options.half is None:
        print_table("all", items, right)
    wrong = [(item, found) for item, found in wrong if options.half in (None, item.half)]
    print(f"\n{len(wrong)} failing, by abbreviation:", dict(Counter(item.abbreviation for item, _ in wrong)))
    for item, found in wrong:
        got = [[f"{mention.code} {mention.preferred}" for mention in mentions] for mentions in found]
        print(f"{item.id}\twanted {item.code or '-'} {item.name}\tgot {got}" + (f"\t{item.text}" * options.show))
    return 0


if __name__ == "__main__":
    sys.exit(main())
