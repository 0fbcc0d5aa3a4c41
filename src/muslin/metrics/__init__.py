"""How good, how alike: distances between sets of pictures."""
