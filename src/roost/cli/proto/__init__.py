"""`roost proto`: one session, driven by lines of JSON on stdin and stdout (docs/proto.md)."""
