"""A test stand-in for an operator's machines: real Debian 13 hosts on one computer."""
