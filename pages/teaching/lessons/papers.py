"""The papers that lessons point to."""

from typing import Final

from pages.teaching.lesson import Reading

OSTERGAARD: Final = Reading("Østergaard 1996: deconvolution of a bolus passage", "10.1002/mrm.1910360510")
WU: Final = Reading("Wu 2003: block-circulant, delay-insensitive deconvolution", "10.1002/mrm.10522")
FIESELMANN: Final = Reading("Fieselmann 2011: the model behind CT perfusion, and its units", "10.1155/2011/467563")
CALAMANTE_DISPERSION: Final = Reading(
    "Calamante 2000: delay and dispersion of the bolus",
    "10.1002/1522-2594(200009)44:3<466::AID-MRM18>3.0.CO;2-M",
)
CALAMANTE_AIF: Final = Reading("Calamante 2013: a review of input functions", "10.1016/j.pnmrs.2013.04.002")
CALAMANTE_TMAX: Final = Reading("Calamante 2010: what Tmax means", "10.1161/STROKEAHA.109.580670")
STRAKA: Final = Reading("Straka 2010: a fully automatic pipeline for acute stroke", "10.1002/jmri.22338")
MOURIDSEN: Final = Reading("Mouridsen 2006: automatic selection by clustering", "10.1002/mrm.20759")
THOMPSON: Final = Reading("Thompson 1964: the gamma variate of a first pass", "10.1161/01.RES.14.6.502")
BORST: Final = Reading("Borst 2015: how long a CT perfusion scan has to be", "10.1371/journal.pone.0119409")
CAMPBELL: Final = Reading("Campbell 2011: CBF as the measure of infarct core", "10.1161/STROKEAHA.111.618355")
CEREDA: Final = Reading("Cereda 2016: rCBF below 0.38 as the core", "10.1177/0271678X15610586")
KUDO: Final = Reading("Kudo 2010: the same scan in different software", "10.1148/radiol.254082000")
DE_LA_ROSA: Final = Reading("de la Rosa 2021: AIFNet", "10.1016/j.media.2021.102211")
DE_LA_ROSA_FIRST: Final = Reading(
    "de la Rosa 2021: input functions learned through the deconvolution", "10.48550/arXiv.2103.17111"
)
