"""What is said, as text: engines that hear it, cues that show it, files, and a search in it."""
