"""What there is to watch: recordings with their chapters, clips, captions and files, in SQL.

The recordings' folders are the truth about media, and the catalog can be made anew from them.
What people did is here only: titles, edited chapters, clips, and what was deleted.
"""
