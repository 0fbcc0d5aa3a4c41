#!/usr/bin/env bash
# Remakes the shipped generator sketches-64: `runs/sketches-64.sh DATA`, where DATA holds sketches256.zip and garments256.csv
# (line drawings of the Clothing Dataset's garments, CC0-1.0). Fine-tunes the second stage of garments-64 (runs/garments-64.sh makes it),
# then goes on from there; on one CPU core ten minutes and three quarters of an hour.
set -euo pipefail
cd "$(dirname "$0")/.."
python runs/garments.py "$1" runs/data
muslin train runs/data/sketches runs/sketches-first --preset atelier-64 --init runs/garments-contest --set images=40000
muslin train runs/data/sketches runs/sketches-64 --preset atelier-64 --init runs/sketches-first/latest.safetensors --set images=200000 "${@:2}"
cp runs/sketches-64/generator.safetensors src/muslin/assets/sketches-64.safetensors
