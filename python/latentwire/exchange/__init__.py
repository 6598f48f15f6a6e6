"""Hosts and clients: packets over gRPC. Models are known by their verbs, packets as bytes."""

from latentwire.exchange.client import Host, ask_jointly, connect
from latentwire.exchange.server import RunningHost, create_server

__all__ = ["Host", "RunningHost", "ask_jointly", "connect", "create_server"]
