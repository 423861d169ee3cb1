"""The catalogue of failures: one file a bug, with its proof."""
