"""Sessions as tools of the Model Context Protocol. Needs the extra `mcp`; nothing else of roost imports this."""
