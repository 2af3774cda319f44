"""DICOM objects of an analysis: maps as Parametric Map, lesions as Segmentation, in the source's study.

Standards: DICOM PS3.3 A.75 (Parametric Map IOD) and A.51 (Segmentation IOD).
"""
