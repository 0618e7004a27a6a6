"""Screens as pictures: colours, vector graphics, pixels. Knows no emulator and no recording."""
