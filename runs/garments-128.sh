#!/usr/bin/env bash
# Remakes the shipped generator garments-128: garments-64 with a finishing net, `runs/garments-128.sh DATA`, where DATA holds garments256.zip and
# garments256.csv (Clothing Dataset, CC0-1.0). Two CPU cores: about 25 minutes. (The shipped file's first 26,000 images were trained by trials of this code,
# docs/LOG.md: expect its like, not its bits. Longer is worse: by 140,000 images the cloth has worms and rainbows. From its beginning to its end this script has not been run.) On a GPU: runs/garments-128-gpu.sh.
set -euo pipefail
cd "$(dirname "$0")/.."
python runs/garments.py "$1" runs/data
muslin train runs/data/garments runs/garments-128 --preset finish-128 --init garments-64 --set images=30000 --set judge_every=2000 --set save_every=2000 "${@:2}"
cp runs/garments-128/generator.safetensors src/muslin/assets/garments-128.safetensors
muslin edit sliders --generator src/muslin/assets/garments-128.safetensors
