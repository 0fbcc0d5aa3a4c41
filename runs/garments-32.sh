#!/usr/bin/env bash
# Remakes the shipped generator garments-32: `runs/garments-32.sh DATA`, where DATA is a folder or zip of cut-out
# garments on white with a folder for each of the ten classes (Clothing Dataset, CC0-1.0; 2,704 pictures whose garment
# is not cut by the border by more than 5 % and whose mask was sure). Two CPU cores: about an hour.
set -euo pipefail
cd "$(dirname "$0")/.."
muslin train "$1" runs/garments-32 --preset atelier-32 --set seed=0 "${@:2}"
cp runs/garments-32/generator.safetensors src/muslin/assets/garments-32.safetensors
