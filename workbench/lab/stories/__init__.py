"""One file a lesson: what its cells call, and its exercises. Named like the stage that the lesson walks."""
