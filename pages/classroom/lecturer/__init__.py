"""The lecturer's side of a class: the page *Class*, lessons led by the lecturer, and what is kept of a class."""
