#!/usr/bin/env bash
# Remakes the shipped construction network: `runs/construction.sh DATA`, where DATA holds garments256.zip and styles/ with styles.csv. Two hours on one CPU core.
set -euo pipefail
cd "$(dirname "$0")/.."
python runs/construction.py "$1" runs/construction
cp runs/construction/third/construction.safetensors src/muslin/assets/construction.safetensors
