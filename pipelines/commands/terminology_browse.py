"""`phenotext terminology search`, `show` and `explain`: looking things up in a compiled terminology."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from ..errors import RunError

if TYPE_CHECKING:
    from ...nlp.terminology.explain import Explanation
    from ...nlp.terminology.show import ConceptCard, RetiredCard
    from ...nlp.terminology.terminology import Terminology
    from ..concept_use import AssertionCount

_TERMINOLOGY = typer.Argument(metavar="T.ptx", help="A file of `phenotext terminology build`, or `starter`.")
_JSON = typer.Option("--json", help="Write JSON instead of text.")


def register(app: typer.Typer) -> None:
    """Add the three commands."""
    app.command("search")(search_command)
    app.command("show")(show_code_command)
    app.command("explain")(explain_command)


def search_command(
    terminology: Annotated[str, _TERMINOLOGY],
    query: Annotated[str, typer.Argument(help="Beginnings of words, words with typing errors, or a code.")],
    limit: Annotated[int, typer.Option(min=1, help="Concepts at most.")] = 20,
    system: Annotated[list[str] | None, typer.Option(help="Only this code system. Repeatable.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="Only this semantic tag. Repeatable.")] = None,
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Find concepts by name: "heart fail", "diabtes", "22298006"."""
    from ...nlp.terminology.search import TermSearch
    from ...nlp.terminology.systems import canonical_system

    opened = open_terminology(terminology)
    systems = [canonical_system(name) for name in system] if system else None
    for name in systems or ():
        if name not in opened.system_names:
            raise RunError(
                f"--system {name} is not in the terminology", remedy=f"it has {', '.join(opened.system_names)}"
            )
    hits = TermSearch(opened).search(query, limit, systems=systems, tags=tag)
    if as_json:
        _json([asdict(hit) for hit in hits])
        return
    for hit in hits:
        other = "" if hit.matched_term in (hit.preferred, hit.code) else f'  "{hit.matched_term}"'
        tagged = f" ({hit.tag})" if hit.tag else ""
        _say(f"{hit.score:.2f}  {hit.system} {hit.code}  {hit.preferred}{tagged}{other}")
    if not hits:
        _say("nothing found")


def show_code_command(
    terminology: Annotated[str, _TERMINOLOGY],
    code: Annotated[str, typer.Argument(help="The code; SYSTEM/CODE where several systems have it.")],
    run: Annotated[Path | None, typer.Option("--run", metavar="OUT", help="Count its mentions in this run.")] = None,
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Show everything about a code: names, parents, children, maps, reference sets, what became of it."""
    from ...nlp.terminology.show import ConceptCard, describe
    from ...nlp.terminology.systems import canonical_system, code_fault

    opened = open_terminology(terminology)
    code = code.strip()
    system, slash, rest = code.partition("/")
    cards = describe(opened, rest, canonical_system(system)) if slash else describe(opened, code)
    if not cards:
        fault = code_fault("SNOMED", code) if code.isdigit() and len(code) >= 6 else None
        raise RunError(
            f"no concept has the code {code[:40]}" + (f" ({fault.replace('_', ' ')})" if fault else ""),
            where=terminology,
            remedy="look for it with `phenotext terminology search`",
        )
    use: list[list[AssertionCount] | None] = [None] * len(cards)
    if run is not None:
        from ..concept_use import concept_use

        use = [concept_use(run, card.system, card.code) for card in cards]
    if as_json:
        documents = [
            {"retired": not isinstance(card, ConceptCard), **asdict(card)}
            | ({} if counts is None else {"use": [asdict(count) for count in counts]})
            for card, counts in zip(cards, use, strict=True)
        ]
        _json(documents)
        return
    for card, counts in zip(cards, use, strict=True):
        for line in _card_lines(card) if isinstance(card, ConceptCard) else _retired_lines(card):
            _say(line)
        if counts is not None:
            told = ", ".join(f"{count.mentions:,} {count.assertion} in {count.notes:,} notes" for count in counts)
            _say(f"  in the run: {told or 'not found'}")


def explain_command(
    terminology: Annotated[str, _TERMINOLOGY],
    text: Annotated[str, typer.Argument(help="The string, as it stands in the note.")],
    note_section: Annotated[
        str | None, typer.Option("--note-section", help='The heading it stands under, such as "Past Medical History".')
    ] = None,
    surrounding: Annotated[
        str | None, typer.Option("--text", help="The sentence or note around it, which must hold it.")
    ] = None,
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Say why a string maps where it does, or why it maps nowhere."""
    from ...nlp import Extractor
    from ...nlp.terminology.explain import explain

    extractor = Extractor(open_terminology(terminology))
    try:
        told = explain(extractor, text, section=note_section, surrounding=surrounding)
    except ValueError as error:
        raise RunError(str(error)) from None
    if as_json:
        _json(asdict(told))
        return
    for line in _explanation_lines(told):
        _say(line)


def open_terminology(name: str) -> Terminology:
    """The terminology of a file, or the starter lexicon. Raises ArtefactError with the remedy."""
    from ...nlp.starter import starter_terminology
    from ...nlp.terminology.terminology import Terminology

    return starter_terminology() if name == "starter" else Terminology.open(name)


def _card_lines(card: ConceptCard) -> list[str]:
    lines = [f"{card.system} {card.code}  {card.preferred}" + (f" ({card.semantic_tag})" if card.semantic_tag else "")]
    if card.asked != card.code:
        lines.append(f"  {card.asked} is retired or alternative; this code stands in its place")
    lines += [f"  {kind}: {text}" for text, kind in card.names[1:]]
    facts = [f"OMOP concept {card.concept_id}"] if card.concept_id else []
    facts += [f"restriction level {card.restriction}"] if card.restriction else []
    facts += ["chronic: a history of it means the patient has it"] if card.chronic else []
    lines += [f"  {fact}" for fact in facts]
    lines += [f"  is a: {name.code} {name.preferred}" for name in card.parents]
    above = card.ancestors[len(card.parents) :]
    if above:
        lines.append("  and so: " + "; ".join(f"{name.code} {name.preferred}" for name in above))
    if card.n_children:
        more = f", the first {len(card.children)} here" if card.n_children > len(card.children) else ""
        lines.append(f"  children: {card.n_children:,}{more}; descendants: {card.n_descendants:,}")
        lines += [f"    {name.code} {name.preferred}" for name in card.children]
    lines += [
        f"  maps to: {target.system} {target.code} {target.name}".rstrip() + f" [{target.relationship}]"
        for target in card.targets
    ]
    lines += [
        f"  mapped from: {source.system} {source.code} {source.name}".rstrip() + f" [{source.relationship}]"
        for source in card.sources
    ]
    lines += [f"  in reference set: {code} {name}".rstrip() for code, name in card.refsets]
    if card.redirected_from:
        lines.append(f"  stands for the retired or alternative codes: {', '.join(card.redirected_from)}")
    return lines


def _retired_lines(card: RetiredCard) -> list[str]:
    lines = [f"{card.system} {card.code}  {card.name}  retired" + (f": {card.reason}" if card.reason else "")]
    lines += [f"  {way.association}: {way.code} {way.preferred or '(not here)'}" for way in card.successors]
    return lines


def _explanation_lines(told: Explanation) -> list[str]:
    words = ", ".join(f"{word.word} -> {word.key}" + ("" if word.known else " (in no term)") for word in told.words)
    lines = [told.verdict, f"  looked up as: {words}"]
    if told.section:
        lines.append(f"  section: {told.section}")
    if told.capitals:
        lines.append(f"  the dictionary has it; it matches {told.capitals}")
    for entry in told.entries:
        capitals = "  capitals only" if entry.needs_capitals else ""
        lines.append(f"    {entry.system} {entry.code}  {entry.preferred}{capitals}")
    if told.senses:
        lines.append("  senses in the abbreviation table:")
    for sense in told.senses:
        kinds = {None: "no concept", True: f"{sense.system} {sense.code}", False: f"{sense.code} is not in here"}
        reasons = f": {'; '.join(sense.reasons)}" if sense.reasons else ""
        lines.append(f"  {'*' if sense.chosen else ' '} {sense.expansion} ({kinds[sense.in_terminology]}){reasons}")
    for choice in told.choices:
        lines.append(f"  found: {choice.system} {choice.code}  {choice.preferred}, {choice.assertion} [{choice.how}]")
    if told.nearest:
        lines.append("  nearest terms:")
        lines += [f"    {hit.system} {hit.code}  {hit.preferred}" for hit in told.nearest]
    return lines


def _say(line: str) -> None:
    Console().print(line, markup=False, highlight=False, soft_wrap=True)


def _json(document: object) -> None:
    print(json.dumps(document, ensure_ascii=False, indent=2))
