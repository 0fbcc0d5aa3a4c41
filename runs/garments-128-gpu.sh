#!/usr/bin/env bash
# For one GPU: garments at 128 px, from nothing or grown from the shipped garments-64.
#   runs/garments-128-gpu.sh DATA 30m            from nothing: capacity, batch and length follow from the GPU's speed
#   runs/garments-128-gpu.sh DATA 30m --init garments-64       grown from the shipped one
#   torchrun --nproc-per-node 4 -m muslin train runs/data/garments runs/garments-128-gpu --size 128 --budget 30m     on four
# DATA holds garments256.zip and garments256.csv (see runs/garments.py). Larger still, from there:
#   muslin train runs/data/garments runs/garments-256 --init runs/garments-128-gpu --size 256
set -euo pipefail
cd "$(dirname "$0")/.."
python runs/garments.py "$1" runs/data
muslin train runs/data/garments runs/garments-128-gpu --size 128 --budget "${2:-30m}" "${@:3}"
python benchmarks/quality.py runs/data/garments --size 128 --minutes 0 --generator runs/garments-128-gpu --out runs/garments-128-gpu/quality
