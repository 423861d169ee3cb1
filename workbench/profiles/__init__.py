"""Where things are kept: workspaces, and the doors to objects, features, runs and history."""
