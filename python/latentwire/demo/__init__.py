"""The demonstration: two hosts, real held-out sentences, packets between them, with controls."""

from latentwire.demo.run import DemoResult, RowResult, run_demo

__all__ = ["DemoResult", "RowResult", "run_demo"]
