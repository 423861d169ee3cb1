"""Reference solutions of the lessons' exercises, and the misconceptions that their cases are made for."""
