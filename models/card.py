"""The model card: Hugging Face's header, the fields of the Applied Model Card (CHAI), and the items of TRIPOD+AI.

Everything is written from the manifest, the thresholds and the evaluation. What only people know comes from the
trainer's words (`about`); where they gave none the card says so, and counts it, instead of leaving the field out.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .card_answers import NOT_STATED, computed_answers

_DATA = Path(__file__).parent / "data"
FIELDS = {"chai": _DATA / "chai_card.tsv", "tripod": _DATA / "tripod_ai.tsv"}


def card_fields(table: Path) -> list[tuple[str, str, tuple[str, ...]]]:
    """Section, field and where the answer comes from, in the order of the card."""
    with open(table, encoding="utf-8", newline="") as source:
        lines = [line for line in source if not line.startswith("#")]
    rows = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    return [(row["section"], row["field"], tuple(row["answer"].split())) for row in rows]


# What a trainer can say in words: the keys of the file given as --about.
ABOUT = tuple(
    sorted(
        {
            name.removeprefix("about.")
            for table in FIELDS.values()
            for _, _, names in card_fields(table)
            for name in names
            if name.startswith("about.")
        }
    )
)


def model_card(manifest: Mapping[str, Any], evaluation: Mapping[str, Any], thresholds: Mapping[str, Any]) -> str:
    """The card as Markdown. Same input, same text; it holds no date but those that the trainer gives."""
    answers = computed_answers(manifest, evaluation, thresholds)
    about: Mapping[str, str] = manifest["about"]
    body: list[str] = []
    body += [f"# {manifest['name']} {manifest['version']}", "", f"{answers['summary']}.", ""]
    if manifest["demo"]:
        body += [f"**Demonstration model:** {manifest['demo_reason']}. It cannot be promoted and is not for use.", ""]
    open_fields = sorted({name for name in _asked() if not about.get(name, "").strip()})
    section = ""
    body += ["## Applied model card (CHAI)", ""]
    for part, field, names in card_fields(FIELDS["chai"]):
        if part != section:
            body += [f"### {part}", ""]
            section = part
        body += [f"**{field}.** {_answer(names, answers, about)}", ""]
    body += ["## Reporting checklist (TRIPOD+AI)", "", "| item | what is asked | answer |", "|---|---|---|"]
    for item, asked, names in card_fields(FIELDS["tripod"]):
        body.append(f"| {item} | {_cell(asked)} | {_cell(_answer(names, answers, about))} |")
    body += ["", "## Not stated", ""]
    if open_fields:
        body += [
            f"{len(open_fields)} of {len(ABOUT)} things that only the trainer can say were not stated: "
            + ", ".join(open_fields) + ". Give them with `--about FILE` when training.", "",
        ]  # fmt: skip
    else:
        body += ["Nothing was left open.", ""]
    return "\n".join([*_header(manifest), *body])


def _asked() -> Iterator[str]:
    yield from ABOUT


def _answer(names: tuple[str, ...], answers: Mapping[str, str], about: Mapping[str, str]) -> str:
    """Words of the trainer first, then what is computed; the field says so where there is neither."""
    said: list[str] = []
    for name in names:
        text = about.get(name.removeprefix("about."), "") if name.startswith("about.") else answers[name]
        text = " ".join(text.split())
        if text:
            said.append(text if text.endswith((".", "!", "?")) else f"{text}.")
    return " ".join(said) if said else NOT_STATED


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _header(manifest: Mapping[str, Any]) -> list[str]:
    """YAML as Hugging Face reads it; every value is quoted, so that no word of a name becomes syntax."""
    return [
        "---",
        f"license: {_quoted('other' if manifest['licence'] == 'not stated' else manifest['licence'])}",
        f"license_name: {_quoted(manifest['licence'])}",
        "library_name: phenotext",
        "pipeline_tag: text-classification",
        "tags:",
        "  - medical",
        "  - clinical-notes",
        "  - phenotyping",
        f"  - {_quoted(manifest['kind'])}",
        f"  - {_quoted(manifest['phenotype_code'])}",
        f"model_name: {_quoted(manifest['name'])}",
        f"model_version: {_quoted(manifest['version'])}",
        f"trained_on_phi: {str(manifest['trained_on_phi']).lower()}",
        f"demo: {str(manifest['demo']).lower()}",
        "---",
        "",
    ]


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
