"""Reference solutions of the exercises, and the misconceptions that their cases catch; never in the package."""
