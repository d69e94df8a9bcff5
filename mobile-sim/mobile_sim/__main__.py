"""`python -m mobile_sim`."""

from mobile_sim.cli import main

main()
