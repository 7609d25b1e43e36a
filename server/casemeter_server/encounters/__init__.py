"""Living encounters: events as they happen, the state they come to, and telling whoever watches."""
