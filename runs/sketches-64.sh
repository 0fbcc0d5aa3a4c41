#!/usr/bin/env bash
# Remakes the shipped generator sketches-64: `runs/sketches-64.sh DATA`, where DATA holds sketches256.zip and garments256.csv
# (line drawings of the Clothing Dataset's garments, CC0-1.0). Redraws first, from garments-64, then a short contest about patches (preset
# vae-gan-64); on one CPU core 36 minutes. The judge keeps the generator of 72,000 images: what comes after it is worse. (The shipped file began at the garments-64 of
# 26 November 2026 and with that state's encoder; from today's it came to 367 over 5,000 drafts instead of 305, docs/LOG.md.)
set -euo pipefail
cd "$(dirname "$0")/.."
python runs/garments.py "$1" runs/data
muslin train runs/data/sketches runs/sketches-64 --preset vae-gan-64 --init garments-64 --set images=96000 --set warm=60000 --set judge_every=12000 "${@:2}"
cp runs/sketches-64/generator.safetensors src/muslin/assets/sketches-64.safetensors
muslin edit sliders --generator src/muslin/assets/sketches-64.safetensors
