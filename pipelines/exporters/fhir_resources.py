"""FHIR R4 resources for facts that notes tell, as plain documents; `fhir_bundles` checks them.

Nothing here was confirmed by a clinician, and the resources say so: a present condition is `unconfirmed`, a possible
one `provisional`, a denied one `refuted`. `clinicalStatus` is `active` for present ones and `inactive` only where the
note itself says that the problem is over.
"""

from __future__ import annotations

import re
from typing import Any

_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"
_NOT_IN_AN_ID = re.compile(r"[^A-Za-z0-9.-]")
# Relative references resolve against it; `.invalid` is reserved, so it can be nobody's server.
BASE = "https://phenotext.invalid/fhir/"
SYSTEM_URIS = {
    "SNOMED": "http://snomed.info/sct",
    "ICD10CM": "http://hl7.org/fhir/sid/icd-10-cm",
    "ICD10": "http://hl7.org/fhir/sid/icd-10",
    "ICD10PCS": "http://www.cms.gov/Medicare/Coding/ICD10",
    "ICD9CM": "http://hl7.org/fhir/sid/icd-9-cm",
    "RxNorm": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "LOINC": "http://loinc.org",
    "CPT4": "http://www.ama-assn.org/go/cpt",
    "NDC": "http://hl7.org/fhir/sid/ndc",
    "CVX": "http://hl7.org/fhir/sid/cvx",
    "ATC": "http://www.whocc.no/atc",
    "HPO": "http://human-phenotype-ontology.org",
    "Mondo": "http://purl.obolibrary.org/obo/mondo.owl",
}
VERIFICATION = {"present": "unconfirmed", "historical": "unconfirmed", "possible": "provisional", "absent": "refuted"}
GENDERS = {8507: "male", 8532: "female"}


def coding(code: str, name: str) -> dict[str, Any]:
    """A CodeableConcept of `VOCAB/CODE`.

    >>> coding("SNOMED/195967001", "Asthma")["coding"][0]["system"]
    'http://snomed.info/sct'
    """
    vocabulary, _, plain = code.partition("/")
    uri = SYSTEM_URIS.get(vocabulary, f"urn:phenotext:vocabulary:{_NOT_IN_AN_ID.sub('-', vocabulary)}")
    return {"coding": [{"system": uri, "code": plain, "display": name}], "text": name}


def _status(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": _TERMINOLOGY + system, "code": code}]}


def reference(kind: str, number: int | str) -> str:
    """A relative reference, which is also the id's place in the bundle.

    >>> reference("Condition", 7)
    'Condition/condition-7'
    """
    return f"{kind}/{kind.lower()}-{number}"


def _identity(kind: str, number: int | str) -> dict[str, Any]:
    return {"resourceType": kind, "id": reference(kind, number).split("/")[1]}


def patient(subject: int, gender: int | None, birth_date: str | None) -> dict[str, Any]:
    """The Patient that a bundle is about; its identifier is the subject id of the run."""
    document = {
        **_identity("Patient", subject),
        "identifier": [{"system": "urn:phenotext:subject", "value": str(subject)}],
    }
    if gender in GENDERS:
        document["gender"] = GENDERS[gender]
    if birth_date:
        document["birthDate"] = birth_date
    return document


def condition(fact: dict[str, Any], resolved: bool, note: str | None) -> dict[str, Any]:
    """A Condition of a fact: keys of the event table, with `name`; `resolved`: the note says that it is over."""
    document = {
        **_identity("Condition", fact["event_id"]),
        "verificationStatus": _status("condition-ver-status", VERIFICATION[fact["assertion"]]),
        "code": coding(fact["code"], fact["name"]),
        "subject": {"reference": reference("Patient", fact["subject_id"])},
        "recordedDate": fact["day"],
    }
    if resolved:
        document["clinicalStatus"] = _status("condition-clinical", "inactive")
    elif fact["assertion"] == "present":
        document["clinicalStatus"] = _status("condition-clinical", "active")
    if note:
        document["note"] = [{"text": note}]
    return document


def family_history(fact: dict[str, Any], note: str | None) -> dict[str, Any]:
    """A FamilyMemberHistory: some relative had it; which one is not told."""
    document = {
        **_identity("FamilyMemberHistory", fact["event_id"]),
        "status": "partial",
        "patient": {"reference": reference("Patient", fact["subject_id"])},
        "date": fact["day"],
        "relationship": {
            "coding": [{"system": _TERMINOLOGY + "v3-RoleCode", "code": "FAMMEMB", "display": "family member"}]
        },
        "condition": [{"code": coding(fact["code"], fact["name"])}],
    }
    if note:
        document["note"] = [{"text": note}]
    return document


def document_reference(note_id: int, subject: int, note_class: str | None, day: str) -> dict[str, Any]:
    """The note, without its text: the source system has it under its own id."""
    document = {
        **_identity("DocumentReference", note_id),
        "status": "current",
        "subject": {"reference": reference("Patient", subject)},
        "content": [{"attachment": {"contentType": "text/plain", "url": f"urn:phenotext:note:{note_id}"}}],
        "context": {"period": {"start": day, "end": day}},
    }
    if note_class:
        document["type"] = {"text": note_class}
    return document


def provenance(
    target: str, number: int, note_id: int, mentions: list[tuple[int, int]], system: str, recorded: str
) -> dict[str, Any]:
    """Where a fact stands: the note, and the characters of its mentions as (start, end)."""
    return {
        **_identity("Provenance", number),
        "target": [{"reference": target}],
        "recorded": f"{recorded}T00:00:00Z",
        "activity": {"text": "natural language processing"},
        "agent": [
            {"type": _status("provenance-participant-type", "assembler"), "who": {"display": system}},
        ],
        "entity": [
            {
                "role": "source",
                "what": {"reference": reference("DocumentReference", note_id)},
                "extension": [
                    {"url": "urn:phenotext:characters", "valueString": f"{start}-{end}"} for start, end in mentions
                ],
            }
        ],
    }


def risk_assessment(score: dict[str, Any], name: str, basis: list[str], declared: dict[str, Any]) -> dict[str, Any]:
    """A classifier's score as RiskAssessment: `preliminary`, since no clinician has looked at it."""
    text = f"Not reviewed by a clinician. Intended use: {declared.get('intended_use') or 'not declared'}."
    sponsor = declared.get("sponsor")
    text += f" Sponsor: {sponsor or 'none declared'}."
    prediction: dict[str, Any] = {"outcome": coding(score["phenotype_code"], name)}
    if score["probability"] is not None:
        prediction["probabilityDecimal"] = round(score["probability"], 6)
    if score["flagged"] is not None:
        prediction["rationale"] = (
            f"{'at or above' if score['flagged'] else 'below'} the threshold {score['threshold']:g}"
            if score["threshold"] is not None
            else ("flagged" if score["flagged"] else "not flagged")
        )
    document: dict[str, Any] = {
        **_identity("RiskAssessment", score["score_id"]),
        "status": "preliminary",
        "subject": {"reference": reference("Patient", score["subject_id"])},
        "occurrenceDateTime": score["day"],
        "method": {"text": f"{score['model_name']} {score['model_version']}"},
        "prediction": [prediction],
        "note": [{"text": text}],
    }
    if basis:
        document["basis"] = [{"reference": item} for item in basis]
    return document


def bundle(subject: int, resources: list[dict[str, Any]]) -> dict[str, Any]:
    """A collection of one patient's resources."""
    return {
        "resourceType": "Bundle",
        "id": f"bundle-{subject}",
        "type": "collection",
        "entry": [
            {"fullUrl": f"{BASE}{resource['resourceType']}/{resource['id']}", "resource": resource}
            for resource in resources
        ],
    }
