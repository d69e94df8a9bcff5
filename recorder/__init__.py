"""What stays after a broadcast: recordings, VOD, clips and stories. Still empty."""
