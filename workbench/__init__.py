"""Silent Failures Workbench."""
