"""MP4 files out of recorded fragments, virtual or on the disk, without decoding anything."""
