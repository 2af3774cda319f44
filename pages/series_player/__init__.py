"""The series player of the Cases page: plays the 4D series slice by slice."""
