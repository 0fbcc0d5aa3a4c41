#!/usr/bin/env bash
# Remakes the shipped construction network: `runs/construction.sh DATA`, where DATA holds styles/ with styles.csv. A quarter of an hour on two CPU cores.
set -euo pipefail
cd "$(dirname "$0")/.."
python runs/construction.py "$1" runs/construction
cp runs/construction/construction.safetensors src/muslin/assets/construction.safetensors
