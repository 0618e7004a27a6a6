"""The daemon protocol: framing, frames, requests, codec and conversations. Pure: bytes in, messages out.

The client side (lite, framing, frames, requests, conversation) is coded by hand and never imports protobuf, whose
import alone costs more than a whole `roost ls`; only the daemon uses codec and the generated module.
"""
