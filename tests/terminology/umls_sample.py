"""A small Metathesaurus in the layout of a real one, written by this project; the SNOMED CT codes and names are in the
Global Patient Set, the identifiers of the UMLS (C, L, S, A, R) are made up."""

from __future__ import annotations

from pathlib import Path

# CUI, vocabulary, term type, code, name; then what differs from the usual (see `conso`).
NAMES: tuple[tuple[str, ...], ...] = (
    ("C9000001", "SNOMEDCT_US", "SY", "195967001", "Bronchial asthma"),
    ("C9000001", "SNOMEDCT_US", "FN", "195967001", "Asthma (disorder)"),
    ("C9000001", "SNOMEDCT_US", "PT", "195967001", "Asthma"),
    ("C9000001", "MSH", "MH", "D001249", "Asthma", "pref"),
    ("C9000001", "MSH", "ET", "D001249", "Airway hyperreactivity, asthmatic"),
    ("C9000001", "MEDLINEPLUS", "PT", "21", "Asthma in lay words"),
    ("C9000001", "MSHGER", "MH", "D001249", "Bronchialasthma", "LAT=GER"),
    ("C9000002", "SNOMEDCT_US", "PT", "50043002", "Disorder of respiratory system"),
    ("C9000003", "SNOMEDCT_US", "FN", "22298006", "Myocardial infarction (disorder)"),
    ("C9000003", "SNOMEDCT_US", "PT", "22298006", "Myocardial infarction"),
    ("C9000003", "SNOMEDCT_US", "IS", "22298006", "Cardiac infarct, old name", "SUPPRESS=O"),
    ("C9000003", "MSH", "ET", "D009203", '"Heart attack", said by patients', "SRL=3"),
    ("C9000004", "SNOMEDCT_US", "PT", "414545008", "Ischemic heart disease"),
    # two codes in one concept: synonyms of others fit neither
    ("C9000005", "SNOMEDCT_US", "PT", "84114007", "Heart failure"),
    ("C9000005", "SNOMEDCT_US", "PT", "42343007", "Congestive heart failure"),
    ("C9000005", "MSH", "MH", "D006333", "Cardiac failure"),
    # a retired code and the one that stands for it
    ("C9000001", "SNOMEDCT_US", "OAP", "187687003", "Asthma, retired code", "SUPPRESS=O"),
    ("C9000006", "SNOMEDCT_US", "PT", "195967002", "A code with a wrong check digit"),
    ("C9000007", "MSH", "MH", "D999999", "A concept that SNOMED lacks"),
    ("C9000008", "RXNORM", "IN", "999001", "Aspirin-like substance"),
    ("C9000008", "RXNORM", "BN", "999001", "Brandname"),
)
TYPES = (
    ("C9000001", "T047", "B2.2.1.2.1", "Disease or Syndrome"),
    ("C9000002", "T047", "B2.2.1.2.1", "Disease or Syndrome"),
    ("C9000003", "T047", "B2.2.1.2.1", "Disease or Syndrome"),
    ("C9000004", "T047", "B2.2.1.2.1", "Disease or Syndrome"),
    ("C9000005", "T047", "B2.2.1.2.1", "Disease or Syndrome"),
    ("C9000008", "T109", "A1.4.1.2.1", "Organic Chemical"),
    ("C9000008", "T121", "A1.4.1.1.1", "Pharmacologic Substance"),
)
# first code, REL, second code, RELA: the row says what the second is to the first
RELATIONS = (
    ("195967001", "PAR", "50043002", "inverse_isa"),
    ("50043002", "CHD", "195967001", "isa"),
    ("414545008", "CHD", "22298006", "isa"),
    ("22298006", "PAR", "50043002", "part_of"),
    ("22298006", "PAR", "50043002", "isa"),
    ("195967001", "RO", "22298006", "associated_with"),
    ("195967001", "RO", "187687003", "replaces"),
    ("84114007", "PAR", "D006333", ""),
)


def aui(number: int) -> str:
    """The atom of the nth row of names."""
    return f"A{9_000_000 + number}"


def conso(number: int, row: tuple[str, ...]) -> str:
    """A row of MRCONSO.RRF."""
    cui, sab, kind, code, name, *rest = row
    cells = {
        "LAT": "ENG",
        "TS": "P" if "pref" in rest else "S",
        "STT": "PF",
        "ISPREF": "Y" if "pref" in rest else "N",
        "SRL": "9" if sab.startswith("SNOMED") else "0",
        "SUPPRESS": "N",
        **dict(change.split("=") for change in rest if "=" in change),
    }
    return (
        f"{cui}|{cells['LAT']}|{cells['TS']}|L{number:07}|{cells['STT']}|S{number:07}|{cells['ISPREF']}|{aui(number)}||"
        f"{code if sab == 'SNOMEDCT_US' else ''}||{sab}|{kind}|{code}|{name}|{cells['SRL']}|{cells['SUPPRESS']}||"
    )


def write_release(folder: Path) -> Path:
    """Write MRCONSO, MRREL, MRSTY, MRSAB and a table that is not read; the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    first: dict[str, int] = {}
    for number, row in enumerate(NAMES):
        first.setdefault(row[3], number)
    names = "".join(conso(number, row) + "\n" for number, row in enumerate(NAMES))
    (folder / "MRCONSO.RRF").write_text(names, encoding="utf-8")
    relations = "".join(
        f"{NAMES[first[one]][0]}|{aui(first[one])}|SCUI|{rel}|{NAMES[first[other]][0]}|{aui(first[other])}|SCUI|{rela}|"
        f"R{number:09}||SNOMEDCT_US|SNOMEDCT_US|0|Y|N||\n"
        for number, (one, rel, other, rela) in enumerate(RELATIONS)
    )
    (folder / "MRREL.RRF").write_text(relations, encoding="utf-8")
    types = "".join(f"{cui}|{tui}|{tree}|{name}|AT{n:08}|256|\n" for n, (cui, tui, tree, name) in enumerate(TYPES))
    (folder / "MRSTY.RRF").write_text(types, encoding="utf-8")
    sab = "C9100000|C9100001|SNOMEDCT_US_2024_03_01|SNOMEDCT_US|SNOMED CT, US Edition|SNOMEDCT|2024_03_01|||2024AA||"
    sab += ";;;|;;;|9|100|50|FULL|PT,FN,SY|X|ENG|UTF-8|Y|Y|SNOMED CT|;|"
    (folder / "MRSAB.RRF").write_text(sab + "\n", encoding="utf-8")
    (folder / "MRFILES.RRF").write_text("MRCONSO.RRF|names|CUI,LAT|18|21|1000|\n", encoding="utf-8")
    return folder
