"""Server side of the live component: WebSocket, sessions, scheduler, wire format."""
