"""Methods of an evaluation: known curves, selectors, networks and null models, each as a way to an AIF."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from perfcore.aif.network.inference import mean_curve_aif, predict_aif, typical_aif
from perfcore.aif.network.weights import Network, load_network, read_network
from perfcore.aif.sources import TYPICAL, null_of
from perfcore.errors import ArgumentError, InputDataError
from perfcore.io.aif_csv import read_aif_csv
from perfcore.pipeline import find_curve
from perfcore.preprocess import Prepared
from perfcore.types import Aif


class NotEvaluatedError(Exception):
    """A method is not asked in this case, which is no failure; the message is a sentence with the reason."""


@dataclass(frozen=True)
class NetworkSource:
    """Location of the weights of a network and of its cross-validation folds.

    Attributes
    ----------
    method
        Method name.
    kind, loss
        ``regression`` or ``weighting``; ``core`` or ``core+tmax``.
    folds
        Fold that held out each training case, by fingerprint; 0: no fold did.
    folder
        Folder with ``fold_K/`` and ``all/``; None for the installed networks.
    """

    method: str
    kind: str
    loss: str
    folds: dict[str, int]
    folder: Path | None

    def for_case(self, case_fingerprint: str) -> Network:
        """Load the network that was not trained on a case.

        Raises
        ------
        InputDataError
            Every network was trained on the case, or the weights cannot be read.
        """
        fold = self.folds.get(case_fingerprint)
        if fold == 0:
            raise InputDataError(
                f"{self.method} was trained on this case; give --weights of a training with folds."
            )
        if self.folder is None:
            return load_network(self.method)
        path = self.folder / (f"fold_{fold}" if fold else "all") / "weights.safetensors"
        try:
            content = path.read_bytes()
        except OSError as error:
            raise InputDataError(
                f"The training of {self.method} is incomplete: {path.parent.name} has no weights."
            ) from error
        return Network(self.method, read_network(content, self.kind), self.loss, {})


@dataclass(frozen=True)
class OwnCurve:
    """An AIF that a user drew for one case.

    Attributes
    ----------
    name
        Name of the method in the tables.
    value
        Enhancement at the frames of the case, in the units of its series.
    """

    name: str
    value: tuple[float, ...]


@dataclass(frozen=True)
class Method:
    """A method on one case.

    Attributes
    ----------
    name
        Method name.
    find
        Returns the AIF; raises NotEvaluatedError where the method is not asked, InputDataError where it finds
        none.
    fold
        Fold of the network, which held out the case; None for other methods and for cases outside the training.
    """

    name: str
    find: Callable[[], Aif]
    fold: int | None = None


def methods_of(
    prepared: Prepared,
    case_fingerprint: str,
    *,
    true_aif: Aif | None,
    expert: Path | None,
    selectors: tuple[str, ...],
    networks: tuple[NetworkSource, ...],
    own: tuple[OwnCurve, ...] = (),
) -> Iterator[Method]:
    """Yield the methods of a case in the order of the table; the null models come last.

    Parameters
    ----------
    prepared
        The case.
    case_fingerprint
        Of :func:`perfcore.io.cohort.fingerprint`, which tells the fold.
    true_aif
        True AIF, or None.
    expert
        CSV file with the expert's AIF, or None.
    selectors, networks
        The methods to ask.
    own
        Curves that a user drew for this case.
    """
    for curve in own:
        yield Method(curve.name, partial(_own, curve, prepared))
    if expert is not None:
        yield Method("expert", partial(_expert, expert, prepared))
    if true_aif is not None:
        yield Method("truth", lambda: true_aif)
    for name in selectors:
        yield Method(name, partial(_selected, prepared, name))
    for source in networks:
        yield Method(
            source.method,
            partial(_predicted, prepared, source, case_fingerprint),
            source.folds.get(case_fingerprint) or None,
        )
    yield Method(TYPICAL, lambda: typical_aif(prepared).aif)
    for source in networks:
        yield Method(
            null_of(source.method),
            partial(_mean_curve, prepared, source, case_fingerprint),
            source.folds.get(case_fingerprint) or None,
        )


def _expert(path: Path, prepared: Prepared) -> Aif:
    try:
        return read_aif_csv(path, prepared.time_s)
    except InputDataError as error:
        raise NotEvaluatedError(str(error)) from error


def _own(curve: OwnCurve, prepared: Prepared) -> Aif:
    if len(curve.value) != prepared.n_time:
        raise NotEvaluatedError(f"The curve has {len(curve.value)} points; the series has {prepared.n_time}.")
    return Aif(prepared.time_s, np.asarray(curve.value, np.float64), curve.name)


def _selected(prepared: Prepared, name: str) -> Aif:
    return find_curve(prepared, name).corrected()


def _predicted(prepared: Prepared, source: NetworkSource, case_fingerprint: str) -> Aif:
    return predict_aif(prepared, _load(source, case_fingerprint)).aif


def _mean_curve(prepared: Prepared, source: NetworkSource, case_fingerprint: str) -> Aif:
    try:
        return mean_curve_aif(prepared, _load(source, case_fingerprint)).aif
    except ArgumentError as error:  # none is stored with the weights
        raise NotEvaluatedError(str(error)) from error


def _load(source: NetworkSource, case_fingerprint: str) -> Network:
    try:
        return source.for_case(case_fingerprint)
    except InputDataError as error:
        raise NotEvaluatedError(str(error)) from error
