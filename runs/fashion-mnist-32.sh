#!/usr/bin/env bash
# Remakes the shipped generator fashion-mnist-32: the style-based GAN on Fashion-MNIST (60,000 pictures, ten classes, MIT
# licence), padded to 32 px. Two CPU cores: about ten minutes. Needs the files of Debian's dataset-fashion-mnist,
# or --download. Shoes all point one way: no mirroring.
set -euo pipefail
cd "$(dirname "$0")/.."
muslin train fashion-mnist runs/fashion-mnist-32 --size 32 --set mirror=false --set images=56000 "$@"
cp runs/fashion-mnist-32/generator.safetensors src/muslin/assets/fashion-mnist-32.safetensors
