"""What happened: lifecycle, journal, observers, streams of events and the programs that emit some (docs/events.md)."""
