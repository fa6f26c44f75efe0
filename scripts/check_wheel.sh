#!/usr/bin/env bash
# Build the wheel, install it into an empty environment and run `phenotext extract` there, away from the repository.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$root/.venv/bin/python" -m build --wheel --no-isolation --outdir "$work/dist" "$root" > "$work/build.log" 2>&1 ||
  { cat "$work/build.log"; exit 1; }
rm -rf "$root/build/lib" "$root/build/bdist."*
"$root/.venv/bin/python" -m venv "$work/venv"
"$work/venv/bin/python" -m pip --disable-pip-version-check install --quiet -c "$root/constraints.txt" "$work"/dist/*.whl
cd "$work"
printf '%s\n' '{"note_id": "1", "patient_id": "p", "note_time": "2024-01-01", "text": "No evidence of pneumonia."}' > in.jsonl
venv/bin/phenotext extract --notes in.jsonl --out out.jsonl
grep -q '"assertion":"absent"' out.jsonl || { echo "wheel: extract did not find the denied pneumonia"; cat out.jsonl; exit 1; }
echo "wheel: installed into an empty environment, extract runs"
