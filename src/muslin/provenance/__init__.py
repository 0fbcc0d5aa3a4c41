"""What a picture was made of."""
