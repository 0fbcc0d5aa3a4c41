#!/usr/bin/env bash
# Remakes the shipped construction network: `runs/construction.sh DATA`, where DATA holds garments256.zip and styles/ with styles.csv. Some fifty minutes on two CPU cores.
set -euo pipefail
cd "$(dirname "$0")/.."
python runs/construction.py "$1" runs/construction
cp runs/construction/second/construction.safetensors src/muslin/assets/construction.safetensors
