#!/usr/bin/env bash
# Remakes the shipped generator fashion-mnist-28: the article's GAN on Fashion-MNIST (60,000 pictures, MIT licence).
# Two CPU cores: about 8 minutes. Needs the files of Debian's dataset-fashion-mnist, or --download.
set -euo pipefail
cd "$(dirname "$0")/.."
muslin train fashion-mnist runs/fashion-mnist-28 --preset classic --set epochs=24 --set seed=0 "$@"
cp runs/fashion-mnist-28/generator.safetensors src/muslin/assets/fashion-mnist-28.safetensors
