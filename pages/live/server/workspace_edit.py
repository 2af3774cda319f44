"""One edit in its workspace, with the operator of its curve."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from pages.live.compute.case import LiveCase
from pages.live.server import wire
from pages.live.server.session import Workspace
from perfcore.maps import FlowOperator
from perfcore.settings import Settings


@dataclass(frozen=True, eq=False)
class WorkspaceEdit:
    """An edit and the workspace that it is computed with."""

    workspace: Workspace
    edit: wire.Edit

    @property
    def case(self) -> LiveCase:
        """The open case."""
        return self.workspace.case

    @property
    def settings(self) -> Settings:
        """The settings, with the edit's threshold of rCBF where it has one.

        Raises
        ------
        ArgumentError
            The threshold is out of range.
        """
        threshold = self.edit.core_threshold
        settings = self.workspace.settings
        return settings if threshold is None else replace(settings, core_threshold=threshold)

    @property
    def slice_index(self) -> int:
        """The visible slice, within the case."""
        return min(self.edit.slice_index, self.case.n_slices - 1)

    @property
    def is_start(self) -> bool:
        """Whether curve and threshold are the workspace's, in the precision in which a browser sends the curve."""
        return self.edit.core_threshold is None and np.array_equal(
            self.edit.curve, self.workspace.start.value.astype(np.float32)
        )

    @cached_property
    def operator(self) -> FlowOperator:
        """The operator of the edited AIF, built once: slice, healthy mean and volume are computed with it.

        Raises
        ------
        InputDataError, ArgumentError
            See `LiveCase.operator`.
        """
        return self.case.operator(self.edit.curve, self.workspace.settings)
