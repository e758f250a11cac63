"""Chooses how motion is found."""

from __future__ import annotations

from typing import Literal

from nst3d.flow.dis import DenseInverseSearch
from nst3d.flow.method import FlowMethod
from nst3d.flow.raft import RaftFlow
from nst3d.networks.raft import SIZES
from nst3d.weights.find import find_weights

FlowName = Literal["auto", "raft-large", "raft-small", "dis"]


def choose_flow(name: FlowName = "auto") -> FlowMethod:
    """The method of a name; auto: the first RAFT whose weights are found, otherwise OpenCV's.

    Raises MissingDependencyError without its weights, or without OpenCV.
    """
    if name == "dis":
        return DenseInverseSearch()
    if name != "auto":
        return RaftFlow(name)
    found = next((raft for raft in SIZES if find_weights(raft) is not None), None)
    return DenseInverseSearch() if found is None else RaftFlow(found)
