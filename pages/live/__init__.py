"""The live component: one canvas and one curve in the browser, one private socket to the server."""
