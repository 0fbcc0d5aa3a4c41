#!/usr/bin/env bash
# Remakes the shipped generator garments-128, garments-64 with a finishing net: `runs/garments-128.sh DATA`, where DATA holds garments256.zip and
# garments256.csv (Clothing Dataset, CC0-1.0). Two CPU cores without bfloat16: about 45 minutes, of which some 16 search for the pictures in W. (For the shipped
# file these codes had been found beforehand by the same code, on one thread: expect its like, not its bits.) The judge looks only at the end, since what it prefers
# among finished generators is not what the eye does (docs/LOG.md). On a GPU: runs/garments-128-gpu.sh.
set -euo pipefail
cd "$(dirname "$0")/.."
python runs/garments.py "$1" runs/data
muslin train runs/data/garments runs/garments-128 --preset finish-128 --init garments-64 --set judge_every=20000 "${@:2}"
cp runs/garments-128/generator.safetensors src/muslin/assets/garments-128.safetensors
muslin edit sliders --generator src/muslin/assets/garments-128.safetensors
