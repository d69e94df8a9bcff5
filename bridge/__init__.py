"""Between WebRTC and the rest of the world: ladder, LL-HLS and LL-DASH. Still empty."""
