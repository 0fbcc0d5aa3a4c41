#!/usr/bin/env bash
# Remakes the shipped generator garments-64: `runs/garments-64.sh DATA`, where DATA holds garments256.zip and garments256.csv
# (Clothing Dataset, CC0-1.0; see runs/garments.py for what is kept: 2,704 pictures in ten classes). Two CPU cores: about 40 minutes
# at 32 px, 25 at 64 px, then twice an hour of redrawing and contest (preset vae-gan-64). The second stage grows from the first and forgets
# nothing; the third starts from the second's generator, the fourth from the third's. (The first three stages of the shipped file were trained by earlier states of
# the code, docs/LOG.md: expect its like, not its bits. In the fourth the judge keeps the generator of 114,016 images.)
set -euo pipefail
cd "$(dirname "$0")/.."
python runs/garments.py "$1" runs/data
muslin train runs/data/garments runs/garments-32 --size 32 --set images=240000
muslin train runs/data/garments runs/garments-contest --preset atelier-64 --init runs/garments-32 --set images=96000
muslin train runs/data/garments runs/garments-redrawn --preset vae-gan-64 --init runs/garments-contest --set images=140000 --set warm=80000 --set judge_every=16000
muslin train runs/data/garments runs/garments-64 --preset vae-gan-64 --init runs/garments-redrawn --set images=130000 --set warm=100000 --set judge_every=2000 "${@:2}"
cp runs/garments-64/generator.safetensors src/muslin/assets/garments-64.safetensors
muslin edit sliders --generator src/muslin/assets/garments-64.safetensors
muslin generate --generator runs/garments-64 --seeds 0-9 --out runs/garments-64/drafts
muslin originality runs/garments-64/drafts --against runs/data/garments --index src/muslin/assets/garments-64.index.safetensors --out runs/garments-64/originality
