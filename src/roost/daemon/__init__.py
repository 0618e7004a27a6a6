"""The daemon: the asyncio shell around the pure layers. `app` wires it; `service` has one method a use case."""
