"""The hallway: the words, limits and small contracts that every room shares."""
