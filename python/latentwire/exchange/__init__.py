"""Hosts and clients: packets over gRPC. Knows models by their verbs only, packets as opaque bytes."""

from latentwire.exchange.client import Host, ask_jointly, connect
from latentwire.exchange.server import RunningHost, create_server

__all__ = ["Host", "RunningHost", "ask_jointly", "connect", "create_server"]
