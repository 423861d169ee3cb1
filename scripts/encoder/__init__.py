"""The parts of `scripts.make_encoder`: pictures, training, figures."""
