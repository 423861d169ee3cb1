"""Widgets: one folder each; they take plain lists and numbers."""
