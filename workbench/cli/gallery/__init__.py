"""The gallery: one page with all lessons and labs, their pictures, and how far the learner is."""
