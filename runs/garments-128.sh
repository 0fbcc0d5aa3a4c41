#!/usr/bin/env bash
# Trains a generator of the kind of garments-128, garments-64 with a finishing net: `runs/garments-128.sh DATA`, where DATA holds garments256.zip and
# garments256.csv (Clothing Dataset, CC0-1.0). Two CPU cores: about 25 minutes. It does not remake the shipped file's like: that one's first 25,500 images were
# trained by trials, the first of them on drafts that were not cleaned, which this code no longer has. Run to its end on 29 November 2026 (one core, 79 minutes; LOG.md): calm tweed at 12,000
# images, coarse grain at 30,000, and no plackets or pleats. Longer is worse still: by 140,000 the cloth has worms and rainbows. On a GPU: runs/garments-128-gpu.sh.
set -euo pipefail
cd "$(dirname "$0")/.."
python runs/garments.py "$1" runs/data
muslin train runs/data/garments runs/garments-128 --preset finish-128 --init garments-64 --set images=30000 --set judge_every=2000 --set save_every=2000 "${@:2}"
cp runs/garments-128/generator.safetensors src/muslin/assets/garments-128.safetensors
muslin edit sliders --generator src/muslin/assets/garments-128.safetensors
