"""Ground floor: errors, events, config, image, files, seeds, checkpoints. Knows nothing of garments."""
