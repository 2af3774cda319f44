"""Reader for DICOM exports."""
