"""Kinds of components: one file each holds the spec, the mathematics and the physics replay.

``contract.py``, ``fields.py`` and ``log.py`` say what a kind is; ``common/`` is the one home of
what several kinds share (storage, commitment, carriage between nodes).
"""
