"""Reference solutions of the exercises, and functions with a misconception each; never in the package."""
