"""What sound files say of their own length, format by format."""
