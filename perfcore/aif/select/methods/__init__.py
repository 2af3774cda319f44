"""One module for each selector, named by its id; :data:`perfcore.aif.select.SELECTORS` finds them."""
