"""Write docs/schema.md from the schema in the code.

python scripts/make_schema_doc.py
"""

from __future__ import annotations

from pathlib import Path

from phenotext.pipelines.schema_document import schema_page

PAGE = Path(__file__).resolve().parent.parent / "docs" / "schema.md"

if __name__ == "__main__":
    PAGE.write_text(schema_page(), encoding="utf-8")
