"""Learning to draw garments: networks, training, generators."""
