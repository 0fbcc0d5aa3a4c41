#!/usr/bin/env bash
# Remakes the shipped fast styler: `runs/fast-styler.sh DATA`, where DATA holds garments256.zip, garments256.csv and styles/ with styles.csv.
# An hour on two CPU cores.
set -euo pipefail
cd "$(dirname "$0")/.."
python runs/garments.py "$1" runs/data
python runs/fast_styler.py "$1" runs/data/garments runs/fast-styler
cp runs/fast-styler/fast-styler.safetensors src/muslin/assets/fast-styler.safetensors
