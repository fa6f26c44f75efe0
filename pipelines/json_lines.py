"""Extraction as JSON lines: one line out for every line in, in order, whatever the line holds."""

from __future__ import annotations

import json
import multiprocessing
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from ..nlp.concept_filter import ConceptFilter
from ..nlp.extractor import Extractor
from ..nlp.results import (
    ASSERTION,
    CERTAINTY,
    EXPERIENCER,
    MISSPELLED,
    NEGATION,
    ORIGIN,
    SIMILAR,
    TEMPORALITY,
    BatchResult,
)
from .language_rules import PACKAGE_RULES, LanguageRules
from .matching_options import USUAL_MATCHING, MatchingOptions
from .readers.jsonl import load_record
from .worker import EVERY_CONCEPT, load_extractor, start_worker

BATCH_LINES = 256
BATCH_BYTES = 1_000_000

Span = tuple[int, int, str | None]


@dataclass(frozen=True, slots=True)
class Line:
    """One input line: what is to be extracted, or why it cannot be. `error` never quotes the line."""

    note_id: Any
    text: str
    spans: list[Span] | None
    error: str | None = None


def parse_line(line: bytes) -> Line:
    """Read an input line. Nothing is raised: a line that cannot be used carries its error."""
    line = line.removeprefix(b"\xef\xbb\xbf")  # a byte order mark is no part of the first record
    if not line.strip():
        return Line(None, "", [], "empty line")
    record, replaced = load_record(line, lenient=True)
    if not isinstance(record, dict):
        return Line(
            None, "", [], {"broken_json": "not valid JSON", "no_json_object": "not a JSON object"}.get(record, record)
        )
    note_id = record.get("note_id")
    if not isinstance(note_id, (str, int, float, type(None))):
        note_id = None
    text = record.get("text")
    if not isinstance(text, str):
        return Line(note_id, "", [], "no text" if text is None else "text is not a string")
    spans, error = _spans(record.get("spans"), len(text))
    if replaced and error is None:
        error = "undecodable bytes were read as U+FFFD"
    if not text.isascii():
        # a lone surrogate cannot be written as UTF-8; its replacement is one character too, so offsets stay
        text = (
            text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace") if _has_surrogate(text) else text
        )
    return Line(note_id, text, spans, error)


def _has_surrogate(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def _offset(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _spans(given: object, length: int) -> tuple[list[Span] | None, str | None]:
    if given is None:
        return None, None
    if not isinstance(given, list):
        return [], "spans is not a list"
    spans: list[Span] = []
    for place, item in enumerate(given):
        start, end = (_offset(item.get("start")), _offset(item.get("end"))) if isinstance(item, dict) else (None, None)
        if start is None or end is None or not 0 <= start < end <= length:
            return [], f"span {place} does not lie in the text's {length} characters"
        code = item.get("code")
        code = str(code) if isinstance(code, int) and not isinstance(code, bool) else code
        spans.append((start, end, code if isinstance(code, str) and code else None))
    return spans, None


def extract_lines(extractor: Extractor, lines: list[Line]) -> bytes:
    """Output lines, one each."""
    out: list[bytes] = []
    for _, group in groupby(lines, key=lambda line: line.spans is None):
        part = list(group)
        try:
            out.extend(_records(extractor, part))
        except (MemoryError, KeyboardInterrupt):
            raise
        except Exception:
            # one note must not cost the others theirs
            for line in part:
                out.append(_alone(extractor, line))
    return b"".join(out)


def _alone(extractor: Extractor, line: Line) -> bytes:
    try:
        return next(_records(extractor, [line]))
    except (MemoryError, KeyboardInterrupt):
        raise
    except Exception as error:
        return _dump(
            {
                "note_id": line.note_id,
                "mentions": [],
                "sections": [],
                "error": f"extraction failed ({type(error).__name__})",
            }
        )


def _dump(record: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)
    except orjson.JSONEncodeError:  # a note id with a lone surrogate or a number beyond 64 bits
        return json.dumps(record).encode() + b"\n"


def _records(extractor: Extractor, lines: list[Line]) -> Iterator[bytes]:
    texts = [line.text for line in lines]
    spans = None if lines[0].spans is None else [line.spans for line in lines]
    result = extractor.extract_batch(texts, spans)
    mentions = _mentions(extractor, result)
    sections = _sections(result)
    for number, line in enumerate(lines):
        record: dict[str, Any] = {"note_id": line.note_id, "mentions": mentions[number], "sections": sections[number]}
        if line.error is not None:
            record["error"] = line.error
        yield _dump(record)


def _sections(result: BatchResult) -> list[list[dict[str, Any]]]:
    names = result.section_names
    rows: list[list[dict[str, Any]]] = [[] for _ in result.texts]
    columns = (
        result.section_note,
        result.section_name,
        result.section_start,
        result.section_end,
        result.section_parent,
    )
    for note, name, start, end, parent in zip(*(column.tolist() for column in columns)):
        path = [names[parent]] if parent >= 0 else []
        rows[note].append({"name": names[name], "start": start, "end": end, "path": path})
    return rows


def _cues(extractor: Extractor, result: BatchResult) -> list[list[dict[str, Any]]]:
    texts, names = result.texts, result.section_names
    section_name = result.section_name.tolist()
    note = result.note.tolist()
    rows: list[list[dict[str, Any]]] = [[] for _ in note]
    columns = (result.cue_mention, result.cue_start, result.cue_end, result.cue_rule)
    for mention, start, end, rule in zip(*(column.tolist() for column in columns)):
        named = extractor.rules[rule] if rule >= 0 else f"section.{names[section_name[-1 - rule]]}"
        rows[mention].append({"start": start, "end": end, "text": texts[note[mention]][start:end], "rule": named})
    return rows


def _mentions(extractor: Extractor, result: BatchResult) -> list[list[dict[str, Any]]]:
    texts, terminology = result.texts, extractor.terminology
    concepts = {
        number: (terminology.codes[number], terminology.systems[number], terminology.preferred[number])
        for number in np.unique(result.concept).tolist()
        if number >= 0
    }
    section_names = [result.section_names[number] for number in result.section_name.tolist()]
    cues = _cues(extractor, result)
    candidates = _candidates(extractor, result)
    rows: list[list[dict[str, Any]]] = [[] for _ in texts]
    columns = (
        result.note, result.start, result.end, result.concept, result.group, result.negation, result.certainty,
        result.temporality, result.experiencer, result.assertion, result.section, result.score, result.origin,
        result.nested,
    )  # fmt: skip
    for i, (
        note,
        start,
        end,
        concept,
        group,
        negation,
        certainty,
        temporality,
        experiencer,
        assertion,
        section,
        score,
        origin,
        nested,
    ) in enumerate(zip(*(column.tolist() for column in columns))):
        if concept >= 0:
            code, system, preferred = concepts[concept]
        else:
            code, system, preferred = (result.given_codes[i] if result.given_codes else None), None, None
        record = {
            "start": start,
            "end": end,
            "text": texts[note][start:end],
            "code": code,
            "system": system,
            "preferred": preferred,
            "negation": NEGATION[negation],
            "certainty": CERTAINTY[certainty],
            "temporality": TEMPORALITY[temporality],
            "experiencer": EXPERIENCER[experiencer],
            "assertion": ASSERTION[assertion],
            "section": section_names[section],
            "cues": cues[i],
        }
        others = candidates.get((group, concept))
        if others is not None:
            record["candidates"] = others
        if origin in (MISSPELLED, SIMILAR):
            record["score"] = round(score, 3)
            record["origin"] = ORIGIN[origin]
        if nested:
            record["nested"] = True
        rows[note].append(record)
    return rows


def _candidates(extractor: Extractor, result: BatchResult) -> dict[tuple[int, int], list[str]]:
    """All codes of each (string, chosen concept) that may stand for several, the chosen one first."""
    codes = extractor.terminology.codes
    several: dict[tuple[int, int], list[str]] = {}
    for group, concept in set(zip(result.group.tolist(), result.concept.tolist())):
        numbers = extractor.candidates(group, concept) if concept >= 0 else []
        if len(numbers) > 1:
            several[group, concept] = list(dict.fromkeys(codes[number] for number in numbers))
    return several


def _in_batches(source: Iterable[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    size = 0
    for line in source:
        batch.append(line)
        size += len(line)
        if len(batch) >= BATCH_LINES or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _work(
    terminology: Path | None,
    rules: LanguageRules,
    concepts: ConceptFilter,
    matching: MatchingOptions,
    batch: list[bytes],
) -> bytes:
    extractor = load_extractor(terminology, rules, concepts, matching)
    return extract_lines(extractor, [parse_line(line) for line in batch])


def extract_stream(
    source: Iterable[bytes],
    terminology: Path | None,
    processes: int = 1,
    rules: LanguageRules = PACKAGE_RULES,
    concepts: ConceptFilter = EVERY_CONCEPT,
    matching: MatchingOptions = USUAL_MATCHING,
) -> Iterator[tuple[int, int, bytes]]:
    """Lines read, bytes read and output of each batch, in order."""
    if processes == 1:
        for batch in _in_batches(source):
            yield len(batch), sum(map(len, batch)), _work(terminology, rules, concepts, matching, batch)
        return
    context = multiprocessing.get_context("spawn")
    waiting: deque[tuple[int, int, Future[bytes]]] = deque()
    settings = (terminology, rules, concepts, matching)
    with ProcessPoolExecutor(processes, context, start_worker, settings) as pool:
        for batch in _in_batches(source):
            waiting.append((len(batch), sum(map(len, batch)), pool.submit(_work, *settings, batch)))
            if len(waiting) > 3 * processes:
                count, size, future = waiting.popleft()
                yield count, size, future.result()
        for count, size, future in waiting:
            yield count, size, future.result()
