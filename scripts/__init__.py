"""Programs for those who work on the workbench itself."""
