"""Small things that several tests make."""
