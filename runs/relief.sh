#!/usr/bin/env bash
# Remakes the shipped relief network: `runs/relief.sh DATA`, where DATA holds garments256.zip, sketches256.zip and styles/ with styles.csv.
# The file that ships had its first round before a garment's own lines and panels were learned (docs/LOG.md). Two rounds of an hour each on two CPU cores.
set -euo pipefail
cd "$(dirname "$0")/.."
python runs/relief.py "$1" runs/relief
python runs/relief.py "$1" runs/relief-2 runs/relief/relief.safetensors
cp runs/relief-2/relief.safetensors src/muslin/assets/relief.safetensors
