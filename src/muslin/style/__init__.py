"""Dressing garments: losses, shading, optimisation."""
