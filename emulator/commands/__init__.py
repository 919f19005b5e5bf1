"""The commands of `python3 -m emulator`, one file each; imported only when used, inside the environment."""
