"""What a packet costs, measured beside what people use instead.

``latentwire bench wire`` prints it. Timings of one figure are interleaved on one core, so that
whatever else the machine does meets every codec alike. A new figure is a function in ``wire.py``
and its entry in ``FIGURES`` there; a new peer is a class in ``peers.py``.
"""
