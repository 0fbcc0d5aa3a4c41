#!/usr/bin/env bash
# Remakes the shipped relief network: `runs/relief.sh DATA`, where DATA holds garments256.zip, sketches256.zip and styles/ with styles.csv.
# An hour on two CPU cores.
set -euo pipefail
cd "$(dirname "$0")/.."
python runs/relief.py "$1" runs/relief
cp runs/relief/relief.safetensors src/muslin/assets/relief.safetensors
